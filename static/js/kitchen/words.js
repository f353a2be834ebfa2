/* This is what the kitchen's board says to people, beside what all pages say
   (shared/words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.kitchenWords = {
    title: 'Cocina',

    // The board
    none: 'Sin pedidos',
    newComeHere: 'Los nuevos aparecen aquí.',
    loading: 'Cargando pedidos…',
    unknown: 'No se sabe si hay pedidos.',
    noneBefore: 'Sin pedidos antes de perder la conexión',
    unknownNew: 'No se sabe si hay pedidos nuevos.',
    noneKept: 'Sin conexión',
    keptFrom: 'Datos de {ago}; no se sabe si hay pedidos nuevos',
    below: '{n} más abajo',
    above: '{n} más arriba',
    news: [['{n} nuevo', '{n} nuevos'], ['{n} cambio', '{n} cambios'], ['{n} cancelado', '{n} cancelados']],
    open: ['abierto', 'abiertos'],

    // A ticket
    isNew: 'NUEVO',
    warn: 'AVISO',
    late: 'TARDE',
    ready: 'LISTO',
    changed: 'CAMBIÓ',
    cancelled: 'CANCELADO',
    recalled: 'RECUPERADO',
    delivery: 'DOMICILIO',
    readyChanged: 'LISTO · CAMBIÓ',
    alsoChanged: ' · CAMBIÓ',
    moreRound: 'MÁS · {n}.ª ronda',
    made: ['({n} hecha)', '({n} hechas)'],
    served: ['Ya servidos: {n} plato', 'Ya servidos: {n} platos'],
    goesOn: 'sigue ',
    line: 'Línea {id}',

    // What is touched
    start: 'INICIAR',
    understood: 'ENTENDIDO',
    willBeSent: 'Se enviará',
    secondsLeft: '{n} s',
    startedJustNow: '{whom} en cocina',
    changedLook: 'El pedido cambió: revíselo.',
    notAllowed: 'Su usuario no puede hacer eso.',
    gone: 'El pedido ya no existe.',
    tooLate: {
      pendiente_pago: 'Falta que lo paguen.',
      cancelado: 'Se canceló.',
      servido: 'Ya se entregó.',
      cerrado: 'Ya se entregó.',
      listo: 'Ya estaba listo.'
    },
    someReady: 'Ya hay platos listos: no se puede deshacer.',
    tooLateToUndo: 'Ya no se puede deshacer. Use Recuperar.',
    tooLateToRecall: 'Pasó el tiempo para recuperarlo.',
    failed: 'No se pudo. Intente de nuevo.',

    // Beside the board
    recall: 'Recuperar',
    noneReady: 'Ningún pedido listo en los últimos {n} minutos.',
    justNow: 'hace un momento',
    close: 'Cerrar',
    toMake: 'POR HACER',
    nothingToMake: 'Nada por hacer',
    nothingToMakeSaid: 'Nada por hacer.',
    ranOut: 'Se acabó',
    isBack: 'Ya hay',
    isOut: 'SE ACABÓ',
    dishNumber: 'Producto {id}',

    // INICIAR TURNO
    waiting: ['{n} pedido espera en cocina', '{n} pedidos esperan en cocina'],
    noneWaiting: 'Ningún pedido espera',
    offlineAnd: 'Sin conexión · {what}',
    hears: 'Oirá cada pedido nuevo, también el primero.',
    silent: 'Este navegador no suena: la pantalla parpadea.',
    full: 'Sin barras ni avisos encima.',
    notFull: 'Este navegador no la tiene. El tablero funciona igual.',
    keptLit: 'Se pide al iniciar el turno.',
    kioskLit: 'La mantiene encendida la aplicación de la tableta.',
    notSecure: 'Aquí no se puede: la dirección no es segura. ',
    notLit: 'Este navegador no la tiene. ',
    setNever: 'Ponga la tableta en «nunca apagar».',
    mayGoDark: 'La pantalla puede apagarse. ',
    touchBoard: 'La pantalla puede apagarse: toque el tablero.',
    staysLit: 'No se apaga',
    maySleep: 'Puede apagarse'
  };
}(window));
