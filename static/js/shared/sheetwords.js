/* This is what the order sheet says to people, on the waiter's, the till's and
   the manager's page, beside what all pages say (words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.sheetWords = {
    loading: 'Cargando…',
    unknown: 'Sin conexión: no se sabe cómo va este pedido.',
    missing: 'Ese pedido no existe.',
    close: 'Cerrar',
    change: 'Cambiar',
    panel: 'Pedido',
    dishes: 'Platos',
    past: 'Qué ha pasado',
    noDetail: 'Sin detalle de este pedido.',

    // Its head
    order: 'Pedido {number}',
    states: {
      pendiente_pago: 'Por cobrar', pagado: 'Pagado', en_mesa: 'En espera', en_cocina: 'En cocina', listo: 'Listo',
      servido: 'Servido', cerrado: 'Cerrado', cancelado: 'Cancelado'
    },
    made: ['{made} de {n} plato listo', '{made} de {n} platos listos'],
    paid: 'pagado',
    late: 'tarde',
    uncollected: 'sin recoger',

    // A line
    lineCancelled: 'Cancelado',
    lineServed: 'Servido',
    lineReady: 'Listo',
    lineReadyAt: 'Listo {time}',
    lineMade: ['{n} hecho, falta {left}', '{n} hechos, faltan {left}'],
    lineCooking: 'En cocina, ',
    lineWaits: 'En espera',
    lineUnpaid: 'Por cobrar',
    sentBack: '{state} · devuelto: {reason}',
    cookingAgain: 'Devuelto: {reason}, ',
    minutes: '{n} min',
    isOut: 'Se acabó',

    // What may be done
    actions: {
      cobrar: 'Cobrar', servir: 'Entregado', agregar_item: 'Agregar', tomar: 'Tomar', cambiar_mesa: 'Otra mesa', recuperar: 'Devolver',
      cerrar: 'Cerrar', cancelar: 'Cancelar'
    },
    // What was done: the bold words; what was meant follows.
    done: {
      servir: 'Entregado', cerrar: 'Cerrado', cancelar: 'Cancelado:', cambiar_mesa: 'Cambió de mesa:', recuperar: 'Devuelto:',
      quitar_item: 'Quitado:'
    },
    undoLeft: '{n} s',
    tooLate: '{whom}: ya se envió, no se puede deshacer',

    // A dish of an order
    oneLess: 'Uno menos de {dish}',
    oneMore: 'Uno más de {dish}',
    kitchenNote: 'Nota para cocina',
    noteFor: 'Nota para {dish}',
    add: 'Agregar',
    askReason: 'Ya se hizo: ¿por qué se quita?',
    reasonFor: 'Por qué se quita {dish}',
    onlyDish: 'Es el único plato: para quitarlo, cancele el pedido.',
    madeDish: 'Ya se hizo: para quitarlo, pida en caja o al encargado.',
    save: 'Guardar',
    quantity: 'Cantidad',
    backToKitchen: 'Con más cantidad, el pedido vuelve a cocina.',
    takeOffDish: 'Quitar plato',
    back: 'Volver',

    // A table
    letters: 'ABC',
    digits: '123',
    writeNumber: 'Escribir un número de mesa',
    writeName: 'Escribir un nombre de mesa',

    // What is asked
    why: '¿Por qué?',
    otherReason: 'Otro motivo',
    writeReason: 'Escriba el motivo',
    giveReason: 'Elija o escriba un motivo.',
    seenAtOnce: 'La cocina lo ve enseguida.',
    reasons: {
      cancelar: ['El cliente se fue', 'Lo anoté mal', 'Pedido repetido', 'Se acabó un plato'],
      served: [['Se fue sin pagar', 'no se cobra'], ['Cortesía de la casa', 'no se cobra']],   // of cancelling what was delivered
      recuperar: ['Llegó frío', 'Está mal hecho', 'Faltó en el plato'],
      quitar_item: ['Lo anoté mal', 'No lo quisieron', ['Llegó mal', 'no se cobra'], ['Cortesía de la casa', 'no se cobra']]
    },
    sendBack: 'Devolver a cocina',
    tickOnly: 'Marque solo lo que hay que volver a hacer.',
    tickSome: 'Marque qué hay que volver a hacer.',
    sendBackNone: 'Devolver',
    sendBackSome: ['Devolver {n} plato', 'Devolver {n} platos'],
    cancelTitle: 'Cancelar {whom}',
    cancelMade: [
      'Ya hay {n} plato hecho: queda en el registro con su nombre y el motivo.',
      'Ya hay {n} platos hechos: quedan en el registro con su nombre y el motivo.'
    ],
    cancelServed: 'Queda en el registro con su nombre y el motivo. A la cocina no se le avisa.',
    cancelDo: 'Cancelar el pedido',
    cancelNot: 'No cancelar',
    askTill: 'Para cancelarlo, pida en caja o al encargado.',
    askManager: 'Para cancelarlo, pida al encargado.',
    takeOff: 'Quitar {dish}',
    takeOffDo: 'Quitar −{sum}',
    takeOffPlain: 'Quitar',
    takeOffNot: 'Dejarlo',
    takeOffMade: 'Ya está hecho: diga por qué. Queda en el registro con su nombre.',
    moveTitle: '{whom} pasa a…',
    moveHint: 'Cocina, caja y meseros lo ven enseguida.',
    moveTo: 'Pasar a {table}',
    chooseTable: 'Elija una mesa',
    otherTable: 'Otra mesa',
    free: 'libre',
    ordersThere: '{n} pedidos',
    busy: ['{table} ya tiene {n} pedido: ahí quedan cuentas aparte.', '{table} ya tiene {n} pedidos: ahí quedan cuentas aparte.'],

    // What has happened
    told: {
      en_cocina: 'Empezado', listo: 'Listo', servido: 'Entregado', cerrado: 'Cerrado', pagado: 'Cobrado', cancelado: 'Cancelado'
    },
    takenBack: {
      servir: 'la entrega', cobrar: 'el cobro', cancelar: 'la cancelación', cerrar: 'el cierre', listo: 'el listo', iniciar: 'el inicio'
    },
    sent: 'Enviado',
    noted: 'Anotado',
    released: 'Pasó a cocina',
    seen: 'Visto por cocina',
    understood: 'Cancelación entendida',
    undone: 'Deshecho',
    attended: 'Lo atiende {who}',
    wentBack: 'Devuelto a cocina',
    round: '{n}.ª ronda',
    charged: 'Cobrado',
    added: 'Agregado',
    removed: 'Quitado',
    changed: 'Cambiado',
    note: 'Nota',
    noNote: 'sin nota',
    notReady: 'No estaba listo',
    aDish: 'un plato'
  };
}(window));
