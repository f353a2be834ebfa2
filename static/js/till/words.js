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
    due: 'Por cobrar',
    dueCount: 'Por cobrar {n}',
    ofOrders: ['1 pedido · ', '{n} pedidos · '],
    inKitchen: ['1 pedido aún en cocina', '{n} pedidos aún en cocina'],
    served: 'Servido ',
    servedLow: 'servido ',
    servedPaid: 'Servido, por cerrar · ',
    ready: 'Listo',
    waits: ' espera ',
    paysFirst: 'Paga antes · ',
    stateSince: '{state} · ',
    changed: 'Cambió',
    toSend: 'Por enviar',

    // The bill
    choose: 'Elija una mesa o un pedido',
    dueAtLeft: 'Lo que hay que cobrar está a la izquierda, lo más antiguo primero.',
    chooseAnother: 'Elija lo siguiente.',
    stateSinceLow: '{state} ',
    and: '{some} y {last}',
    isNew: 'Nuevo',
    totalChanged: 'El total cambió: {from} → {to}',
    totalChangedSaid: '{whom}: el total cambió a {total}',
    stillInKitchen: ['1 pedido aún en cocina.', '{n} pedidos aún en cocina.'],
    chargeAnyway: ' Puede cobrarlo ya.',
    sheet: 'Ver pedido',
    cancel: 'Cancelar pedido',
    subtotal: 'Subtotal',
    tax: 'IVA incluido',

    // Paying
    paidAt: 'Pagado {time}',
    exact: 'Exacto',
    change: 'Vuelto',
    changeOf: 'de {sum}',
    noChange: '$0.00',
    short: 'Faltan',
    noAmount: '—',
    charge: 'Cobrar ',
    charging: 'Cobrando…',
    deliver: 'Entregar',
    closeBill: 'Cerrar la cuenta',

    // What was done here
    done: { cobrar: 'Cobrado', servir: 'Entregado', cerrar: 'Cerrado', cancelar: 'Cancelado', quitar_item: 'Quitado', cambiar_cantidad: 'Quitado' },
    doneOf: '{done}: {whom}',
    charged: 'Cobrado {sum} · {whom}',
    chargedWithChange: '{sum} · vuelto {change}',
    partly: 'De {whom} se cobró {sum}. Lo demás no se cobró: revise.',
    doneWith: '{done} · {whom}',
    undone: 'Deshecho: {whom}',
    refused: '{whom}: {why}',
    saved: 'Guardado: {whom}',
    notSent: 'No se envió ({whom}): {why}',
    held: 'Sin enviar desde antes',
    sendNow: 'Enviar',
    discard: 'Descartar',
    open: 'Abrir',
    summary: ['1 plato · {sum}', '{n} platos · {sum}'],

    // What was done elsewhere
    isCancelled: '{whom} se canceló',
    cancelledFor: '{whom} se canceló: {reason}',
    chargedElsewhere: '{whom} ya se cobró en otra caja',
    chargedBy: '{whom} ya se cobró en otra caja ({who})',
    chargedElsewhereSaid: '{whom} ya se cobró en otra caja. Aquí no se cobró otra vez.',
    notChargedTwice: 'Aquí no se cobró otra vez.',
    doNotChargeTwice: 'No lo cobre otra vez.',
    backInKitchen: '{whom} volvió a cocina',
    wasClosed: '{whom} ya se cerró',
    noLongerDue: '{whom} ya no está por cobrar',
    somebody: 'Alguien',
    aDish: 'un plato',
    added: '{who} agregó {n} {dish}',
    tookOff: '{who} quitó {dish}',
    wereAdded: 'se agregó {dishes}',
    wereTakenOff: 'se quitó {dishes}',

    // Taking dishes off
    back: 'Volver',
    takeOff: 'Quitar',
    takeOffNow: 'Quitar ya',
    takeOffNamed: 'Quitar de la cuenta: {dish}',
    takeOffCount: 'Quitar {n}',
    oneLess: 'Quitar uno menos',
    oneMore: 'Quitar uno más',
    ofHowMany: '{n} de {all}',
    noReason: 'Escriba o elija una razón.',
    askReason: 'Ya se hizo: ¿por qué se quita?',
    reason: 'Por qué se quita',
    reasons: ['Lo anoté mal', 'No le gustó', 'Cortesía'],

    // An order at the counter
    noTable: 'Escriba el número o el nombre de la mesa.',
    noCustomer: 'Escriba el nombre del cliente.',
    noAddress: 'Escriba la dirección.',
    noDishes: 'Agregue al menos un plato.',
    ranOut: 'Se acabó: {dishes}. Quítelo del pedido.',
    soldOut: 'Se acabó',
    note: 'Nota: sin, extra, alergia…',
    noteFor: 'Nota para {dish}',
    less: 'Quitar {dish}',
    more: 'Agregar {dish}',
    noMatch: 'Ningún plato se llama así.',
    paysLater: 'Paga al recoger',
    paysAtDoor: 'Paga al recibir',
    sendAndCharge: 'Guardar y cobrar',
    sendToKitchen: 'Enviar a cocina'
  };
}(window));
