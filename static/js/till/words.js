/* This is what the till says to people, beside what all pages say
   (shared/words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.tillWords = {
    title: 'Caja',

    // The list
    unknown: 'Sin conexión: no se sabe qué hay',
    nothingDue: 'Nada por cobrar',
    orders: ['{n} pedido · {sum}', '{n} pedidos · {sum}'],
    served: 'Servido ',
    ready: 'Listo',
    paidAhead: 'Pago anticipado',
    changed: 'Cambió',
    toSend: 'Por enviar',

    // The bill
    choose: 'Elija un pedido',
    dueAtLeft: 'Los que hay que cobrar aparecen a la izquierda, el más antiguo primero.',
    chooseAnother: 'Elija otro pedido.',
    sheet: 'Ver pedido',
    isNew: 'Nuevo',
    totalChanged: 'El total cambió: {from} → {to}',
    totalChangedSaid: '{whom}: el total cambió a {total}',
    subtotal: 'Subtotal',
    tax: 'IVA incluido',
    paidAt: 'Pagado {time}',
    exact: 'Exacto',
    change: 'Vuelto ',
    changeOf: 'de {sum}',
    noChange: '$0.00',
    notEnough: 'No alcanza',
    charge: 'Cobrar ',
    charging: 'Cobrando…',
    deliver: 'Entregar',
    closeBill: 'Cerrar la cuenta',
    methods: { efectivo: 'Efectivo', tarjeta: 'Tarjeta', otro: 'Otro' },

    // What was done here
    done: { cobrar: 'Cobrado', servir: 'Entregado', cerrar: 'Cerrado', cancelar: 'Cancelado', quitar_item: 'Quitado', cambiar_cantidad: 'Quitado' },
    doneOf: '{done}: {whom}',
    sumAndChange: '{sum} · vuelto {change}',
    charged: 'Cobrado {sum} · {whom}',
    doneWith: '{done} · {whom}',
    undone: 'Deshecho: {whom}',

    // What was done elsewhere
    isCancelled: '{whom} se canceló',
    cancelledFor: '{whom} se canceló: {reason}',
    chargedElsewhere: '{whom} ya se cobró en otra caja',
    chargedBy: '{whom} ya se cobró en otra caja ({who})',
    chargedElsewhereSaid: '{whom} ya se cobró en otra caja. Aquí no se cobró otra vez.',
    notChargedTwice: 'Aquí no se cobró otra vez.',
    doNotChargeTwice: 'No lo cobre otra vez.',
    backInKitchen: '{whom} volvió a cocina',
    wasDelivered: '{whom} se entregó',
    wasClosed: '{whom} ya se cerró',
    noLongerDue: '{whom} ya no está por cobrar',
    somebody: 'Alguien',
    aDish: 'un plato',
    added: '{who} agregó {n} {dish}',
    tookOff: '{who} quitó {dish}',
    wereAdded: 'se agregó {dishes}',

    // Taking dishes off
    back: 'Volver',
    takeOff: 'Quitar',
    takeOffNamed: 'Quitar de la cuenta: {dish}',
    takeOffCount: 'Quitar {n}',
    oneLess: 'Quitar uno menos',
    oneMore: 'Quitar uno más',
    ofHowMany: '{n} de {all}',
    noReason: 'Escriba o elija una razón.',
    askReason: 'Ya se hizo: ¿por qué se quita?',
    reason: 'Por qué se quita',
    reasons: ['Lo anoté mal', 'No le gustó', 'Cortesía']
  };
}(window));
