/* This is what the waiter's phone says to people, beside what all pages say
   (shared/words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.waiterWords = {
    title: 'Mesero',

    // The home screen
    noOrders: 'Sin pedidos abiertos.',
    unknown: 'Sin conexión: no se sabe qué pedidos hay.',
    unseen: {
      unseen: ['Cocina NO ha visto el pedido {orders}', 'Cocina NO ha visto los pedidos {orders}'],
      change_unseen: ['Cocina NO ha visto el cambio del pedido {orders}', 'Cocina NO ha visto los cambios de los pedidos {orders}'],
      cancel_unseen: ['Cocina NO ha visto la cancelación del pedido {orders}', 'Cocina NO ha visto la cancelación de los pedidos {orders}']
    },
    readyStrip: ['{n} listo: {whom}', '{n} listos: {whom}…'],
    soldOut: 'Se acabó {dish}. Lo esperan: {orders}',

    // A table's row
    servedAndPaid: 'servido y pagado',
    notSeen: 'Sin ver',
    changeNotSeen: 'Cambio sin ver',
    seenAt: 'Cocina lo vio {time}',
    savedAt: 'Guardado {time}',
    notSent: 'No se envió',
    unsent: 'Sin enviar',
    stillWanted: '¿Todavía vale? ',
    discard: 'Descartar',
    correct: 'Corregir',
    send: 'Enviar',

    // LISTOS
    askKitchen: 'Sin detalle: pregunte en cocina',
    missing: ['falta {n} plato', 'faltan {n} platos'],
    chargedAtTill: 'se cobra en caja',
    delivered: 'ENTREGADO',
    deliveredWhom: 'Entregado: {whom}',
    late: 'Tarde ',
    of: 'de {whom}',
    readySaid: '{whom}, listo: {dishes}',
    readyTitle: '{whom}, listo',

    // Other people's tables
    ofNobody: 'de nadie aquí',
    unknownOthers: 'Sin conexión: no se sabe qué hay.',
    closeOthers: 'Cerrar las de otros',
    others: 'Mesas de otros',
    noOthers: 'Nadie más tiene pedidos abiertos.',

    // What was done
    done: { servir: 'Entregado: {whom}', cerrar: 'Cerrado: {whom}', cancelar: 'Cancelado: {whom}' },
    undone: 'Deshecho: {whom}',
    taken: 'Ahora atiende {whom}',
    takenBy: '{whom}: ahora atiende {who}',
    notSentWhy: 'No se envió {whom}: {why}',
    isCancelled: '{whom} se canceló',
    cancelledFor: '{whom} se canceló: {reason}',
    notCancelled: '{whom} ya no está cancelado',
    dishFixed: 'Ese plato ya no se puede cambiar.',

    // The phone's own notices
    noNoticesHere: 'Aquí el teléfono no puede mostrar avisos: la dirección no es segura.',
    noNotices: 'Este navegador no muestra avisos.',
    noticesBlocked: 'Los avisos están bloqueados: permítalos en los ajustes del navegador.',
    toneWorks: 'El tono suena igual.',
    toneAndBuzzWork: 'El tono y la vibración funcionan igual.',

    // A new order
    noTable: 'Escriba el número o el nombre de la mesa.',
    noCustomer: 'Escriba el nombre del cliente.',
    noAddress: 'Escriba la dirección.',
    noDishes: 'Agregue al menos un plato.',
    ranOut: 'Se acabó: {dishes}. Quítelo del pedido.',
    addTo: 'Agregar a {whom}',
    payAtDoor: 'Paga al recibir',
    payAtPickup: 'Paga al recoger',
    toTill: 'Enviar a caja',
    toKitchen: 'Enviar a cocina',
    orderTab: 'Pedido ({n})',
    noMenu: 'Todavía no hay platos en el menú.',
    loadingMenu: 'Cargando el menú…',
    orderNote: 'Nota para todo el pedido',
    add: 'Agregar',
    dishes: ['{n} plato', '{n} platos'],
    summary: ['{n} plato · {sum}', '{n} platos · {sum}'],
    left: 'Quedan {n}',
    addNote: 'Agregar nota',
    noteFor: 'Nota para {dish}',
    addDish: 'Agregar {dish}',
    takeDish: 'Quitar {dish}',
    isOut: 'Se acabó',
    letters: 'ABC',
    digits: '123',
    writeNumber: 'Escribir un número de mesa',
    writeName: 'Escribir un nombre de mesa',

    // An order
    notOpen: 'Este pedido ya no está abierto.',
    close: 'Cerrar',
    change: 'Cambiar',
    ready: 'Listo',
    served: 'Servido',
    paid: ' · pagado',
    attendedBy: ' · de {who}',
    actions: {
      agregar_item: 'Agregar platos', tomar: 'Tomar', cambiar_mesa: 'Otra mesa', cerrar: 'Cerrar la cuenta',
      recuperar: 'Devolver a cocina', cancelar: 'Cancelar el pedido'
    },
    ask: { cancelar: '¿Por qué se cancela?', recuperar: '¿Por qué vuelve a cocina?', cambiar_mesa: '¿A qué mesa pasa?' },
    confirm: { cancelar: 'Cancelar pedido', recuperar: 'Devolver', cambiar_mesa: 'Pasar' },
    sendBack: ['Devolver {n} plato', 'Devolver {n} platos'],
    reasons: {
      cancelar: ['El cliente se retiró', 'Lo anoté mal', 'Pedido repetido'],
      served: ['Se fue sin pagar', 'Cortesía de la casa'],   // of cancelling what was served
      recuperar: ['Faltó un plato', 'Llegó frío', 'Plato equivocado']
    },
    noReason: 'Escriba o elija una razón.',
    tickDishes: 'Marque qué hay que volver a hacer.',
    tickOnly: 'Marque solo lo que hay que volver a hacer.',
    back: 'Volver',

    // A dish of an order
    oneLess: 'Uno menos de {dish}',
    oneMore: 'Uno más de {dish}',
    kitchenNote: 'Nota para cocina',
    askReason: 'Ya se hizo: ¿por qué se quita?',
    reasonFor: 'Por qué se quita {dish}',
    takeOff: 'Quitar',
    askTakeOff: '¿Quitar {dish} del pedido?',
    no: 'No',
    onlyDish: 'Es el único plato: para quitarlo, cancele el pedido.',
    madeDish: 'Ya se hizo: para quitarlo, pida en caja o al encargado.',
    save: 'Guardar',
    quantity: 'Cantidad',
    backToKitchen: 'Con más cantidad, el pedido vuelve a cocina.',
    takeOffDish: 'Quitar plato',

    // Notes: what stands before a kind's words, and the words that are offered
    noteKinds: {
      SIN: ['SIN ', ['cebolla', 'tomate', 'chile', 'curtido', 'salsa', 'queso', 'crema', 'sal', 'hielo', 'azúcar']],
      ALERGIA: ['ALERGIA: ', ['maní', 'nuez', 'camarón', 'mariscos', 'leche', 'huevo', 'gluten', 'soya']],
      EXTRA: ['EXTRA ', ['queso', 'curtido', 'salsa', 'chile', 'crema', 'limón', 'hielo']],
      APARTE: ['APARTE: ', ['salsa', 'curtido', 'queso', 'crema', 'chile', 'limón']],
      'CON POCO': ['CON POCO: ', ['sal', 'chile', 'hielo', 'azúcar', 'salsa', 'crema', 'aceite']]
    },
    noteFull: 'La nota ya no cabe: quite algo.',
    noteKind: '{kind}…',
    noteOther: 'Otra cosa…',
    noteOwn: 'Con sus palabras: bien tostada…',
    noteOtherOf: '{kind} otra cosa',
    noteOwnLabel: 'Con sus palabras',
    noNote: 'Sin nota',
    takeSentence: 'Quitar: {text}'
  };
}(window));
