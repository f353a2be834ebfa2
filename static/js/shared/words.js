/* This is what several pages say to people, to be read through as they read
   it. A page's own sentences stand in its own words.js; no other script has
   any. {name} is filled in; of a pair, the first is said of one.

   Usted to everybody; one word for one thing, the same on all pages; no word
   of the machine. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  var RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

  // A name that is written from right to left, so that it turns round nothing that stands beside it.
  function isolate(text) {
    return RIGHT_TO_LEFT.test(text) ? '\u2068' + text + '\u2069' : text;
  }

  // fill('{dish} para {whom}', {dish: …, whom: …}); of a pair, by {n}.
  function fill(sentence, values) {
    var text = typeof sentence === 'string' ? sentence : sentence[values.n === 1 ? 0 : 1];
    return text.replace(/\{(\w+)\}/g, function (whole, name) {
      return values.hasOwnProperty(name) ? isolate(String(values[name])) : whole;
    });
  }

  pages.fill = fill;
  pages.isolate = isolate;
  pages.words = {
    // Orders, dishes and where they go
    mesa: 'Mesa',
    llevar: 'Llevar',
    domicilio: 'Domicilio',
    order: 'Pedido',
    orderNumber: 'Pedido {number}',
    courier: 'Lleva {name}',
    dish: 'Producto',
    others: 'Otros',
    noData: 'sin datos',
    andMore: '{named} y {n} más',
    noDetail: 'Sin detalle de este pedido. Pregunte al mesero.',
    noPrice: '$ —',
    total: 'Total',
    undo: 'Deshacer',
    earlier: 'De días anteriores ({n})',
    without: 'SIN',
    atLeast: 'más de {sum}',

    // The menu
    noMenu: 'Todavía no hay menú: la gerencia lo crea en «Menú».',
    out: 'Se acabó',
    low: 'Queda poco',
    left: ['queda {left}', 'quedan {left}'],

    // The states of an order
    states: {
      pendiente_pago: 'por cobrar',
      pagado: 'pagado',
      en_mesa: 'en espera',
      en_cocina: 'en cocina',
      listo: 'listo',
      servido: 'servido',
      cerrado: 'cerrado',
      cancelado: 'cancelado'
    },

    // Time
    days: ['Domingo', 'Lunes', 'Martes', 'Miércoles', 'Jueves', 'Viernes', 'Sábado'],
    months: ['enero', 'febrero', 'marzo', 'abril', 'mayo', 'junio', 'julio', 'agosto', 'septiembre', 'octubre', 'noviembre', 'diciembre'],
    date: '{day} {n} de {month}',
    morning: '{time} a. m.',
    afternoon: '{time} p. m.',
    now: 'ahora',
    secondsAgo: 'hace {n} s',
    minutesAgo: 'hace {n} min',
    hoursAgo: 'hace {n} h',
    hours: '{hours} h {minutes}',

    // The connection
    live: 'En vivo',
    slow: 'Con retraso: se actualiza cada 3 s',
    slowTabs: 'Con retraso: muchas pestañas abiertas',
    connecting: 'Conectando…',
    offline: 'Sin conexión',
    dataOf: 'Datos de ',
    since: 'hace ',
    offlineRetry: 'Se vuelve a intentar.',
    retrying: 'Reintentando. Pregunte a los meseros si hay pedidos nuevos.',
    sentLater: 'Lo que haga se enviará cuando vuelva la conexión.',
    tooManyTabs: 'Demasiadas pestañas abiertas',
    closeTabs: 'Cierre las otras pestañas de este servicio en este navegador.',
    away: 'Sin central desde las {time}: se ve, no se puede enviar',
    notArriving: 'Lo que se envía no llega',
    stillTrying: 'Se sigue intentando. Cierre otras pestañas de este servicio.',
    missed: 'Mientras no había conexión: {list}',
    missedNew: ['{n} nuevo', '{n} nuevos'],
    missedCancelled: ['{n} cancelado', '{n} cancelados'],
    missedChanges: ['{n} cambio', '{n} cambios'],
    seen: 'VISTO',
    understood: 'Entendido',
    loading: 'Cargando…',

    // What is being sent
    willBeSent: 'Se enviará al volver',
    sending: 'Enviando…',
    lost: 'no se supo si llegó; revise y toque de nuevo si falta',
    notMarked: 'No se pudo marcar el plato. Intente de nuevo.',

    // A device that rings with the page closed
    push: {
      ask: 'Avisarme',
      busy: 'Un momento…',
      code: 'Código para la app ntfy',
      states: {
        ask: 'Para que este dispositivo suene también con la página cerrada. Hace falta internet.',
        busy: 'El navegador se está registrando en su servicio de avisos.',
        on: 'Este dispositivo suena también con la página cerrada, hasta que cierre su sesión.',
        insecure: 'Con la página cerrada no puede avisarle: la dirección no es segura (no empieza con https://).',
        home: 'En iPhone: toque Compartir y «Añadir a pantalla de inicio», y ábrala desde ahí. Luego toque «Avisarme».',
        none: 'Este navegador no puede avisarle con la página cerrada.',
        blocked: 'Los avisos están bloqueados: permítalos en los ajustes del navegador.'
      },
      gaveUp: 'El servicio de avisos del navegador no contestó en 20 segundos: hace falta internet. Intente de nuevo.',
      failed: 'El navegador no pudo registrarse en su servicio de avisos: hace falta internet. Intente de nuevo.',
      noAnswer: 'El servicio no contestó. Intente de nuevo.',
      tested: 'Enviado: debe sonar en unos segundos. Si no suena, revise el modo «no molestar» del teléfono.'
    },

    // Signing in, and a session's end
    places: { cocinero: 'Cocina', mesero: 'Mesas', cajero: 'Caja', manager: 'Gerencia' },
    enter: 'Entrar',
    entering: 'Entrando…',
    erase: 'Borrar',
    otherPerson: 'Otra persona',
    signInLater: 'No hay conexión con el servicio. Toque Entrar otra vez.',
    wrongPin: 'Ese no es el PIN de {name}.',
    triesLeft: ['Queda 1 intento.', 'Quedan {n} intentos.'],
    locked: 'Bloqueado: espere ',
    lockedWhy: 'Fueron 5 intentos. El encargado puede abrirle ya.',
    typedOf: '{n} de {all} números',
    sessionEnded: 'La sesión terminó. Esto es de las {time}: ponga su PIN para seguir.',
    sessionSoon: 'Su sesión termina en {n} min: toque para seguir',
    sessionEarly: 'Su sesión termina pronto. Ponga su PIN para seguir.',
    notNow: 'Ahora no',
    unsent: 'Espere: falta enviar algo',
    unsentAt: 'Falta enviar algo: abra {page}, espere a que se envíe y salga después.',
    notSignedOut: 'No se pudo cerrar la sesión. Intente de nuevo.',
    notLeft: 'No se pudo salir: toque otra vez',
    newVersion: 'Hay versión nueva: toque para actualizar',

    // Sound
    soundOff: 'Toque para activar el sonido',
    soundNever: 'Este navegador no tiene sonido',
    soundStopped: 'El sonido se paró: toque aquí',
    soundOn: 'Sonido activo',
    muted: 'Silencio {n} s',

    // Alarms
    rooms: {
      cocina: 'La pantalla de cocina no responde',
      meseros: 'Ningún mesero tiene pantalla',
      cajeros: 'La pantalla de caja no responde'
    },
    roomSince: ' desde {ago}',
    inPerson: ' – avise en persona',

    // Why something was refused, after "Mesa 5: "
    refused: {
      servir: {
        servido: 'ya se entregó',
        cerrado: 'ya se entregó y se cerró',
        en_cocina: 'volvió a cocina',
        cancelado: 'se canceló'
      },
      cobrar: {
        pagado: 'ya se cobró en otra caja',
        en_cocina: 'ya se cobró en otra caja o volvió a cocina',
        listo: 'ya se cobró en otra caja',
        servido: 'ya se cobró en otra caja',
        cerrado: 'ya se cobró en otra caja',
        cancelado: 'se canceló'
      },
      cancelar: {
        en_cocina: 'ya se está cocinando: pida al encargado que lo cancele',
        listo: 'ya está listo: pida al encargado que lo cancele',
        pagado: 'ya está pagado: se cancela en caja',
        cancelado: 'ya estaba cancelado'
      }
    },
    cancelled: 'se canceló',
    closed: 'ya se cerró',
    alreadyPaid: 'ya está pagado: lo demás va en otro pedido',
    onlyDish: 'es su único plato, o ya está pagado',
    dishGone: 'ese plato ya no está en el pedido',
    beingMade: 'ya se está preparando, no se puede deshacer',
    tooLateToUndo: 'ya no se puede deshacer',
    askToCancel: 'ya no se puede cancelar aquí: pida al encargado',
    askToTakeOff: 'ya se hizo: pida en caja o al encargado que lo quite',
    changedMeanwhile: 'cambió mientras tanto: revise y toque de nuevo',
    notAccepted: 'no se aceptó'
  };
}(window));
