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
    mine: 'Mis mesas',
    everybodys: 'Todas',
    readyStrip: ['{n} listo: {whom}', '{n} listos: {whom}…'],

    // A table's row
    servedAt: 'Servido {time}',
    due: 'por cobrar',
    paid: 'pagado',
    stillMissing: ['falta {n}', 'faltan {n}'],
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
    ofNobody: 'de nadie aquí',
    readySaid: '{whom}, listo: {dishes}',
    readyTitle: '{whom}, listo',
    partReadyTitle: '{whom}, listo en parte',

    // The strip of alarms
    alarms: {
      unseen: '{whom}: la cocina NO lo ha visto',
      change_unseen: '{whom}: la cocina NO ha visto el cambio',
      cancel_unseen: '{whom}: la cocina NO ha visto la cancelación',
      oneUnseen: { unseen: '{whom} sin ver', change_unseen: '{whom}: cambio sin ver', cancel_unseen: '{whom}: cancelación sin ver' },
      manyUnseen: '{n} pedidos sin ver',
      shortRooms: { cocina: 'cocina no responde', meseros: 'ningún mesero con pantalla', cajeros: 'caja no responde' },
      goAndSay: 'Vaya a decirlo · {number}, {ago}',
      goAndSayNo: 'Vaya a decirlo · {number}',
      tellInPerson: 'Desde {ago}. Avise en persona.',
      look: 'Ver'
    },

    // A dish that has run out
    soldOut: {
      title: 'Se acabó {dish}',
      waiting: ['{tables} la espera. Avise y elija:', 'La esperan {tables}. Avise y elija:'],
      and: '{some} y {last}',
      change: 'Cambiar',
      remove: 'Quitar',
      removed: 'Quitado',
      cancel: 'Ver pedido',
      open: 'Ver pedido',
      paid: 'ya pagado'
    },

    // A table that has an order
    busyTable: {
      title: ['{table} ya tiene un pedido', '{table} ya tiene {n} pedidos'],
      of: '{number} · de {who}',
      ofNobody: '{number}',
      meta: '{state}, {ago} · {dishes}',
      ask: '¿Agregar lo nuevo a ese pedido?',
      askPaid: 'Ya está pagado: lo nuevo va en otra cuenta.',
      add: 'Agregar a {number}',
      apart: 'Pedido aparte, otra cuenta',
      other: 'Elegir otra mesa'
    },

    // The end of a shift
    handover: {
      button: ['Entregar mi mesa a …', 'Entregar mis {n} mesas a …'],
      title: ['Entregar mi mesa', 'Entregar mis {n} mesas'],
      choose: 'Elija a quién',
      give: ['Entregar {n} mesa a {who}', 'Entregar {n} mesas a {who}'],
      here: 'con pantalla ahora',
      away: 'sin pantalla ahora',
      nobody: 'No hay nadie más a quien entregarlas.',
      unknown: 'Sin conexión: no se sabe quién está.',
      given: ['{n} mesa entregada', '{n} mesas entregadas'],
      to: 'a {who}'
    },

    // What was done
    givenToYou: ['{who} le entregó {tables}', '{who} le entregó {n} mesas: {tables}'],
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

    install: 'Instalar: menú → Añadir a pantalla de inicio.',
    installOnIPhone: 'Instalar: Compartir → Añadir a pantalla de inicio.',

    // A new order
    noTable: 'Escriba el número o el nombre de la mesa.',
    noCustomer: 'Escriba el nombre del cliente.',
    noAddress: 'Escriba la dirección.',
    noDishes: 'Agregue al menos un plato.',
    ranOut: 'Se acabó: {dishes}. Quítelo del pedido.',
    addTo: 'Agregar a {whom}',
    insteadOf: '{whom}: en lugar de {dish}',
    payAtDoor: 'Paga al recibir',
    payAtPickup: 'Paga al recoger',
    toTill: 'Enviar a caja',
    toKitchen: 'Enviar a cocina',
    orderTab: 'Pedido ({n})',
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
