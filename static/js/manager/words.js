/* This is what the manager's page says to people, beside what all pages say
   (shared/words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.managerWords = {
    // Alarms
    unseen: ['{n} pedido sin ver en cocina: {orders}', '{n} pedidos sin ver en cocina: {orders}'],
    cancelUnseen: ['{n} cancelación sin ver en cocina: {orders}', '{n} cancelaciones sin ver en cocina: {orders}'],

    // The board
    lanes: { por_cobrar: 'Por cobrar', espera: 'En espera', en_cocina: 'En cocina', listo: 'Listos', por_cerrar: 'Por cerrar' },
    late: '{n} tarde',
    uncollected: '{n} sin recoger',
    notCollected: 'sin recoger',
    lateSaid: 'Tarde: ',
    warnSaid: 'Aviso: ',
    none: 'ninguno',
    less: 'Ver menos',
    more: 'y {n} más',
    owed: 'De días anteriores ({n}) {sum}',

    // The open orders beside an order
    openList: {
      title: 'Abiertos {n}',
      all: 'Todos',
      kitchen: 'En cocina {n}',
      ready: 'Listos {n}',
      due: 'Por cobrar {n}',
      columns: ['Para', 'Estado', 'Edad', 'Mesero', 'Total']
    },
    undone: 'Deshecho: {whom}',
    taken: 'Ahora atiende {whom}',
    refused: '{whom}: {why}',

    // Devices
    roles: { cocinero: 'Cocina', mesero: 'Meseros', cajero: 'Caja', manager: 'Encargados' },
    many: { cocinero: '{n} tabletas', mesero: '{n} teléfonos', cajero: '{n} pantallas', manager: '{n} pantallas' },
    delayed: 'con retraso',
    ofAll: '{here} de {all}',
    noSign: 'sin señal ',
    noSignOf: '{who} sin señal ',
    tellInPerson: 'avise en persona',
    onLine: '{here} de {all} en línea',
    here: '{n} en línea',
    nobody: 'nadie en línea',
    gone: ['{n} que ya no está', '{n} que ya no están'],
    goneSince: 'desde las {time}',
    seconds: '{n} s',

    // Who is rung with the page closed
    phones: {
      sent: 'aviso {time}',
      notYet: 'sin avisos aún'
    },

    // The minute on a phone
    inKitchen: '{n} en cocina',
    nothingInKitchen: 'Nada en cocina',
    readyNow: ['{n} listo', '{n} listos'],
    ordersToday: ['{n} pedido hoy', '{n} pedidos hoy'],
    usually: 'lo normal {time}',

    // What runs out
    leftOf: ['queda {left}, mínimo {least}', 'quedan {left}, mínimo {least}'],
    affected: ['{n} pedido afectado', '{n} pedidos afectados'],
    nothingLow: 'Nada por acabarse',
    warnings: ['{n} aviso', '{n} avisos'],

    // The day's figures
    today: 'Hoy, {day}, desde las {time}',
    todayShort: 'hoy',
    perHour: 'Pedidos por hora',
    perHourSaid: 'Pedidos por hora. {list}',
    hourSaid: '{hour}: {value}',
    times: 'Tiempos',
    timesSaid: 'Tiempos en minutos. {list}',
    timeSaid: '{name}: lo normal {usual}, 9 de cada 10 {most}',
    noTimeSaid: '{name}: sin datos',
    usual: 'lo normal',
    most: '9 de cada 10',
    usualTotal: 'lo normal en total',
    waiting: 'Espera',
    kitchen: 'Cocina',
    pickup: 'Por recoger',
    minutes: '{n} min',
    latePerHour: 'Tarde, % de cada hora',
    lateOf: 'Tarde, % de cada hora · {late} de {all}',
    lateSaidPerHour: 'Pedidos tarde, por hora. {list}',
    percent: '{n} %',
    orders: ['pedido', 'pedidos'],
    ordersFor: ['pedido · {sum}', 'pedidos · {sum}'],
    cancelled: ['{n} cancelado', '{n} cancelados'],
    recalled: ['{n} recuperado', '{n} recuperados'],
    takenOff: 'Platos ya hechos que se quitaron de la cuenta: {list}',
    takenOffBy: '{who} {n} · {sum}',
    dishTime: 'cocina {time}',
    allDishes: 'Ver los {n}'
  };
}(window));
