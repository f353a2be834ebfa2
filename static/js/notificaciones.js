/* Client of the notification service, for the service's own pages and for any
   page of the POS (docs/client.md). ES5 and XMLHttpRequest only; it needs no
   other file.

     var notif = new ClienteNotificaciones({ rol: 'cocinero', usuario_id: 5 });
     notif.on('evento_pedido', function (evento) { … });
     notif.conectar();
     notif.suscribirPedido(123);

   Events reach the handlers once and in order, whichever transport brought
   them: EventSource, or polling where there is none or it does not work.
   Besides evento_pedido, evento_alerta and evento_sistema it emits:

     instantanea          {pedidos, cursor, hora_servidor, alarmas}: forget what you have
     resincronizar        why it begins anew; an instantanea follows
     conexion             {modo: 'sse'|'polling'|'sin_conexion', anterior, planeado, sin_lugar}
     hora                 {hora_servidor, desfase_ms}: server's clock minus ours
     version              {version}: of the files of the service's pages
     central              {sin_central_desde}: since when the service can keep nothing
                          of what is sent; null once it can again
     sesion_terminada     signed out or revoked; the client has stopped
     demasiadas_pestanas  no connection is free for this tab (six per host)

   Actions are kept until they are answered, and go by a websocket or by HTTP:

     suscripcion_confirmada    {pedido_id, pedido, cursor}
     desuscripcion_confirmada  {pedido_id}
     acuse_confirmado          {ok, nuevos}
     error                     {codigo, mensaje, campos, accion, …}: refused for good   */
(function (window) {
  'use strict';

  var document = window.document;
  var VIEWS = { cocinero: 'cocina', mesero: 'meseros', cajero: 'cajeros', manager: 'todos' };
  var ORDER_TYPES = {
    nuevo_pedido: true,
    pedido_listo: true,
    cambio_estado: true,
    item_modificado: true,
    pedido_cancelado: true,
    cambio_mesa: true
  };
  var STREAM_CLOSED = 2;
  var SOCKET_OPEN = 1;
  var HELLO_MS = 10000;          // a stream answers at once, or waits for a free connection
  var NATIVE_RETRY_MS = 5000;    // the longest `retry` that the server sends
  var REVIVED_MS = 500;
  var MOST_STREAMS = 4;          // of a browser's tabs together
  var PLACE_MS = 5000;           // how often who has a place says so, and who has none looks for one
  var PLACE_FREE_MS = 15000;     // after its owner's last word
  var KNOCK_MS = 1000;           // for an owner whose timers are slow to say that it is there
  var MARK_MS = 5000;            // how often a page says that it lives
  var MARK_OLD_MS = 20000;       // a hidden one, whose timers are slow, does so with each heartbeat
  var PLANNED_MS = 4000;         // how long an announced interruption is not worth a banner
  var STREAM_RETRY_MS = 15000;   // while polling
  var REQUEST_MS = 12000;
  var FAILURES_TO_POLL = 2;
  var FRESH_MS = 3000;           // data this recent proves that the connection lives
  var TRIAL_MS = 6000;           // of silence after the greeting: the service's first heartbeat comes after 2 s
  var BESIDE_MS = 3000;          // of it, then polling goes on beside
  var ON_TIME_MS = 1500;         // less than the greeting is late where a proxy keeps the newest message back
  var LATE_MS = 8000;            // a service whose disk is slow may be late, but not as late
  var SOCKET_OPEN_MS = 10000;    // from the first byte to `conexion_confirmada`
  var ACK_MS = 5000;
  var PING_MS = 30000;
  var LONGEST_RETRY_MS = 30000;  // of the websocket and of actions
  var MAX_RECEIPTS = 500;        // in one call
  var LONGEST_TIMER_MS = 2147483647;   // of more a browser makes none at all
  var LONGEST_WAIT_S = 60;       // that a `Retry-After` is followed
  var ANSWERS = {
    suscribir_pedido: 'suscripcion_confirmada',
    desuscribir_pedido: 'desuscripcion_confirmada',
    acusar_recibo: 'acuse_confirmado'
  };
  // What refuses the websocket for as long as the session and its role last.
  var FOR_GOOD = { no_autenticado: true, origen_no_permitido: true, rol_no_permitido: true };
  // What the websocket answers when it is no good just now; HTTP tells more.
  var ASK_AGAIN = { no_autenticado: true, registro_no_disponible: true, sin_capacidad: true, error_interno: true };

  // ---- small pure things ---------------------------------------------

  function jitter(from, to) {
    return from + Math.random() * (to - from);
  }

  function cursorEpoch(cursor) {
    return cursor.slice(0, cursor.lastIndexOf('-'));
  }

  function cursorId(cursor) {
    return Number(cursor.slice(cursor.lastIndexOf('-') + 1));
  }

  // An order's events alone have a version: those of a later service's types too.
  function eventName(evento) {
    if (evento.tipo === 'alerta_stock') { return 'evento_alerta'; }
    return ORDER_TYPES[evento.tipo] === true || typeof evento.version === 'number' ? 'evento_pedido' : 'evento_sistema';
  }

  function parseJson(text) {
    try { return JSON.parse(text); } catch (error) { return null; }
  }

  function query(params) {
    var parts = [], name;
    for (name in params) {
      if (params.hasOwnProperty(name) && params[name] !== null && params[name] !== undefined) {
        parts.push(name + '=' + encodeURIComponent(params[name]));
      }
    }
    return parts.length ? '?' + parts.join('&') : '';
  }

  function randomUuid() {
    var bytes = [], i, text = '';
    if (window.crypto && window.crypto.getRandomValues && window.Uint8Array) {
      bytes = window.crypto.getRandomValues(new window.Uint8Array(16));
    } else {
      for (i = 0; i < 16; i++) { bytes[i] = Math.floor(Math.random() * 256); }
    }
    for (i = 0; i < 16; i++) {
      var byte = bytes[i];
      if (i === 6) { byte = (byte & 15) | 64; }
      if (i === 8) { byte = (byte & 63) | 128; }
      if (i === 4 || i === 6 || i === 8 || i === 10) { text += '-'; }
      text += (byte < 16 ? '0' : '') + byte.toString(16);
    }
    return text;
  }

  // Storage throws where the user forbids it, and in some private windows.
  // area: 'localStorage' of all tabs; without it, what is this tab's own.
  function stored(key, area) {
    try { return window[area || 'sessionStorage'].getItem(key); } catch (error) { return null; }
  }

  // False where nothing can be kept.
  function store(key, value, area) {
    try { window[area || 'sessionStorage'].setItem(key, value); } catch (error) { return false; }
    return true;
  }

  function forget(key, area) {
    try { window[area || 'sessionStorage'].removeItem(key); } catch (error) { return; }
  }

  // Of something that says when it was written; ahead of our clock is as old: the
  // clock has been set.
  function isOlder(ms, thanMs) {
    return !(Math.abs(new Date().getTime() - ms) < thanMs);
  }

  // A tab keeps its name when it is loaded again. Duplicating a tab copies its
  // storage too, so a name is marked while its page lives, and the copy of a
  // living page takes a name of its own, and follows its own orders. The mark is
  // the time: a page that the system ends cannot take it away.
  var tab = null;
  var clients = 0;               // of this page

  var markedAt = 0;

  function claimTab() {
    markedAt = new Date().getTime();
    store('notif:cliente', tab);
    store('notif:vivo', String(markedAt));
  }

  function tabName() {
    if (tab === null) {
      tab = (isOlder(Number(stored('notif:vivo')), MARK_OLD_MS) && stored('notif:cliente')) || randomUuid();
      claimTab();
      window.setInterval(claimTab, MARK_MS);
      window.addEventListener('pagehide', function () { forget('notif:vivo'); }, false);
      window.addEventListener('pageshow', claimTab, false);
    }
    return tab;
  }

  function streamRetryMs() {
    return STREAM_RETRY_MS * jitter(0.9, 1.1);
  }

  // The 1st, 2nd, … wait in a row.
  function backoff(failures) {
    return Math.min(LONGEST_RETRY_MS, jitter(1000, 3000) * Math.pow(2, failures - 1));
  }

  // Date jumps when the clock is set, performance.now may stand still while the
  // device sleeps; the larger of the two elapsed times is never too small.
  function mark() {
    return {
      wall: new Date().getTime(),
      tick: window.performance && window.performance.now ? window.performance.now() : 0
    };
  }

  function elapsed(since) {
    var now = mark();
    return Math.max(0, now.wall - since.wall, now.tick - since.tick);
  }

  // WebKit revives a source that it stopped when the page was left, also one that
  // has been closed since, and connects it once the page is back: soon, or as late
  // as the device is busy.
  function closeForGood(source) {
    function close() { source.close(); }
    close();
    source.addEventListener('open', close);
    window.setTimeout(close, REVIVED_MS);
  }

  // ---- the places of a browser's streams ---------------------------------
  // Each is a key of localStorage, which all tabs share: when its owner was last
  // there, and the owner. Of two that take one at the same time, both learn who
  // wrote last, by the storage's event or when they renew it.

  function Places(base, owner) {
    this.prefix = 'notif:lugar:' + base + ':';
    this.owner = owner;
    this.number = null;          // of ours; 0: nothing can be kept here, and nobody counts
  }

  var places = Places.prototype;

  // {ms, owner}, or null of a place that nobody has.
  places._read = function (number) {
    var parts = (stored(this.prefix + number, 'localStorage') || '').split(' ');
    return parts[1] ? { ms: Number(parts[0]), owner: parts[1] } : null;
  };

  places._write = function (number) {
    var kept = store(this.prefix + number, new Date().getTime() + ' ' + this.owner, 'localStorage');
    this.number = kept ? number : 0;
  };

  // The numbers of those whose holder, or null, is as `wanted` says.
  places._which = function (wanted) {
    var found = [], i;
    for (i = 1; i <= MOST_STREAMS; i++) {
      if (wanted.call(this, this._read(i))) { found.push(i); }
    }
    return found;
  };

  places._isOurs = function (held) {
    return held !== null && held.owner === this.owner;
  };

  places._isLapsed = function (held) {
    return held !== null && isOlder(held.ms, PLACE_FREE_MS);
  };

  // True where we have one now. lapsedToo: also one whose owner has said nothing for long.
  places.take = function (lapsedToo) {
    var free;
    if (this.number !== null) { return true; }
    free = this._which(this._isOurs);   // a page that the system ended has left it
    if (!free.length) {
      free = this._which(function (held) { return held === null || (lapsedToo && this._isLapsed(held)); });
    }
    if (free.length) { this._write(free[Math.floor(Math.random() * free.length)]); }
    return this.number !== null;
  };

  places.anyLapsed = function () {
    return this._which(this._isLapsed).length > 0;
  };

  // False where another has it by now.
  places.renew = function () {
    var held = this.number ? this._read(this.number) : null;
    if (held && !this._isOurs(held)) {
      this.number = null;
      return false;
    }
    if (this.number) { this._write(this.number); }
    return true;
  };

  // Whether it is ours and needs no renewing yet.
  places.isFresh = function () {
    var held = this.number ? this._read(this.number) : null;
    return this.number === 0 || (this._isOurs(held) && !isOlder(held.ms, PLACE_MS));
  };

  places.leave = function () {
    if (this.number && this._isOurs(this._read(this.number))) { forget(this.prefix + this.number, 'localStorage'); }
    this.number = null;
  };

  places.knock = function () {
    store(this.prefix + 'llamada', String(new Date().getTime()), 'localStorage');
  };

  places.isAbout = function (event) {
    return event.key === null || event.key.slice(0, this.prefix.length) === this.prefix;
  };

  // ---- what an answer of the service's looks like -----------------------
  // Proxies, hotspots and other services on its address answer too, with any
  // status and any JSON: what is not known as the service's is no answer.

  function isObject(value) {
    return value !== null && typeof value === 'object' && !isList(value);
  }

  function isList(value) {
    return Object.prototype.toString.call(value) === '[object Array]';
  }

  function isCursor(value) {
    return typeof value === 'string' && /.-\d+$/.test(value);
  }

  function isEvent(value) {
    return isObject(value) && typeof value.id === 'number' && typeof value.tipo === 'string';
  }

  function isError(body) {
    return isObject(body) && isObject(body.error) && typeof body.error.codigo === 'string';
  }

  function isSnapshot(body) {
    return isObject(body) && isCursor(body.cursor) && isList(body.pedidos) && body.pedidos.every(isObject);
  }

  function isPoll(body) {
    return isObject(body) && isCursor(body.cursor) && isList(body.eventos) && body.eventos.every(isEvent) &&
      (!body.resincronizar || isCursor(body.resincronizar.cursor));
  }

  function isSession(body) {
    return isObject(body) && typeof body.rol === 'string';
  }

  var IS_DONE = {
    suscribir_pedido: function (answer) { return isObject(answer) && typeof answer.pedido_id === 'number' && 'pedido' in answer; },
    desuscribir_pedido: function (answer) { return isObject(answer) && typeof answer.pedido_id === 'number'; },
    acusar_recibo: function (answer) { return isObject(answer) && typeof answer.nuevos === 'number'; }
  };

  // ---- the client ------------------------------------------------------

  function ClienteNotificaciones(options) {
    var self = this;
    options = options || {};
    this.rol = options.rol;
    this.usuario_id = options.usuario_id;
    this.username = options.username;
    this._view = options.vista || VIEWS[options.rol];
    this._pollMs = options.intervaloPolling || 3000;
    this._base = (options.url || '').replace(/\/+$/, '');
    this._withCredentials = options.withCredentials === true;
    this._token = options.token || null;
    this._debug = options.debug === true;
    this._tab = tabName();
    this._places = new Places(this._base, this._tab + '/' + clients++);
    this._storageKey = 'notif:cursor:' + options.rol + ':' + options.usuario_id;

    this._handlers = {};
    this._timers = {};
    this._running = false;
    this._mode = 'sin_conexion';
    this._placeless = false;      // it polls since four others of this browser have streams
    this._dataAt = mark();
    this._heartbeatMs = 15000;    // 0: the service sends none

    this._cursor = null;          // the last one received; a new connection goes on from it
    this._held = null;            // events that wait for a snapshot, else null
    this._snapshotFailed = false;
    this._snapshotRequest = null;

    this._source = null;
    this._streamLive = false;     // it has said hola and not ended
    this._streamGood = false;     // and something came on time since
    this._openedAt = null;        // when we opened it
    this._helloMs = 0;            // the service's time in its hola
    this._awaySince = null;       // the service's engine, as it said last
    this._aheadMs = null;         // our clock before the service's, as requests and prompt greetings tell
    this._expectedEnd = false;    // the server has said that it is about to end
    this._greeted = false;        // some stream has said hola since conectar()
    this._served = false;         // or something was answered while one was waited for
    this._failures = 0;           // in a row, without a stream that was good

    this._polling = false;
    this._pollState = 'new';      // then 'ok' or 'failed'
    this._pollRequest = null;
    this._sessionRequest = null;

    this._askingSince = null;     // a mark: nothing but GET has been answered since

    this._initActions();
    this._onWake = function (event) { self._wake(event); };
    this._onLeave = function () { self._places.leave(); };
    this._onStorage = function (event) { self._heedPlaces(event); };
  }

  var client = ClienteNotificaciones.prototype;

  client._initActions = function () {
    this._followed = {};          // orders that the page wants to follow, by id
    this._actions = [];           // that wait, in order: {name, data}
    this._acting = null;          // the one that has been sent and not answered
    this._actionRequest = null;
    this._actionFailures = 0;     // in a row, without an answer

    this._socket = null;          // {ws, acks, nextAck, confirmed, patienceMs}
    this._socketRefused = false;  // for as long as this connection lasts
    this._socketFailures = 0;     // in a row, without an answer to an action or a ping
    this._socketsBefore = 0;      // confirmed since conectar()
  };

  client.conectar = function (options) {
    var self = this;
    if (this._running) { return; }
    this._running = true;
    this._failures = 0;
    this._greeted = false;
    this._served = false;
    this._dataAt = mark();
    this._log('conectando…');
    this._listen(true);
    this._actionFailures = 0;
    this._resubscribe();
    this._act();
    this._socketRefused = false;
    this._socketFailures = 0;
    this._socketsBefore = 0;
    this._openSocket();
    if (options && options.instantanea) {
      this._held = [];
      this._later('hello', HELLO_MS, function () { self._emitCrowded(); });
      this._loadSnapshot();
    } else {
      if (this._cursor === null) { this._cursor = stored(this._storageKey); }
      this._start();
    }
  };

  client.desconectar = function () {
    if (!this._running) { return; }
    this._stop();
    this._log('desconectado');
  };

  client.on = function (name, handler) {
    if (!this._handlers.hasOwnProperty(name)) { this._handlers[name] = []; }
    this._handlers[name].push(handler);
  };

  client.off = function (name, handler) {
    var list = this._handlers.hasOwnProperty(name) ? this._handlers[name] : [], i;
    for (i = list.length - 1; i >= 0; i--) {
      if (handler === undefined || list[i] === handler) { list.splice(i, 1); }
    }
  };

  client.getEstado = function () {
    return {
      websocket_activo: this._socketConfirmed(),
      polling_activo: this._mode === 'polling',
      sse_activo: this._mode === 'sse',
      rol: this.rol,
      cursor: this._cursor,
      segundos_sin_datos: Math.floor(elapsed(this._dataAt) / 1000),
      segundos_sin_respuesta: this._askingSince === null ? 0 : Math.floor(elapsed(this._askingSince) / 1000)
    };
  };

  // ---- delivery ----------------------------------------------------------

  client._emit = function (name, value) {
    var list = this._handlers.hasOwnProperty(name) ? this._handlers[name].slice() : [], i;
    for (i = 0; i < list.length; i++) {
      try {
        list[i].call(this, value);
      } catch (error) {
        // A broken handler must not cost the page the events after this one.
        if (window.console && window.console.error) {
          window.console.error('[Notificaciones-' + this.rol + '] ' + name, error);
        }
      }
    }
  };

  // A service from before there was one tells none.
  // It stands in what the service says for as long as it has no engine, and only then.
  client._heedCentral = function (data) {
    var since = typeof data.sin_central_desde === 'string' ? data.sin_central_desde : null;
    if (since !== this._awaySince) {
      this._awaySince = since;
      this._emit('central', { sin_central_desde: since });
    }
  };

  client._emitVersion = function (version) {
    if (typeof version === 'string') { this._emit('version', { version: version }); }
  };

  client._deliver = function (name, data, cursor) {
    var evento = {}, field;
    for (field in data) {
      if (data.hasOwnProperty(field)) { evento[field] = data[field]; }
    }
    evento.datos = data;
    this._emit(name, evento);
    store(this._storageKey, cursor);
  };

  // One event from any transport. Ids only grow, from epoch to epoch too; where
  // the past is another, `resincronizar` has come before.
  client._receive = function (name, data, cursor) {
    if (!isCursor(cursor) || (this._cursor !== null && cursorId(cursor) <= cursorId(this._cursor))) { return; }
    this._cursor = cursor;
    if (this._held) {
      this._held.push({ name: name, data: data, cursor: cursor });
    } else {
      this._deliver(name, data, cursor);
    }
  };

  // Everything up to the cursor has been considered, with or without an event.
  client._advance = function (cursor) {
    if (!isCursor(cursor) || (this._cursor !== null && cursorId(cursor) <= cursorId(this._cursor))) { return; }
    this._cursor = cursor;
    if (!this._held) { store(this._storageKey, cursor); }
  };

  // Something has come, with the service's time where it has just told it.
  client._touch = function (serverTime) {
    var serverMs = Date.parse(serverTime);
    this._dataAt = mark();
    if (isOlder(markedAt, MARK_MS)) { claimTab(); }
    if (!isNaN(serverMs)) {
      this._emit('hora', {
        hora_servidor: serverTime,
        desfase_ms: serverMs - new Date().getTime()
      });
    }
  };

  // The same, by an answer to what was asked just now: what a stream brings is measured by it.
  client._answered = function (serverTime) {
    var aheadMs = new Date().getTime() - Date.parse(serverTime);
    if (!isNaN(aheadMs)) { this._aheadMs = aheadMs; }
    this._touch(serverTime);
  };

  // How much later than what requests are answered something has come, in ms; NaN where that cannot be known.
  client._lateness = function (serverTime) {
    return this._aheadMs === null ? NaN : new Date().getTime() - Date.parse(serverTime) - this._aheadMs;
  };

  // ---- snapshot and resynchronisation ------------------------------------

  client._resync = function (data) {
    this._log('resincronizar: ' + data.motivo);
    this._cursor = data.cursor;
    this._held = [];
    this._emit('resincronizar', data);
    this._loadSnapshot();
    this._resubscribe();
  };

  client._loadSnapshot = function () {
    var self = this;
    this._cancel('snapshot');
    if (this._snapshotRequest) { this._snapshotRequest.abort(); }
    this._snapshotRequest = this._request('GET', '/api/pedidos' + query({ vista: this._view }), null, isSnapshot, function (status, body) {
      self._snapshotRequest = null;
      if (status === 401) {
        self._endSession();
      } else if (status === 200) {
        self._applySnapshot(body);
      } else {
        self._log('sin instantánea (' + status + ')');
        if (!self._source) { self._cancel('hello'); }
        self._snapshotFailed = true;
        self._refreshMode(false);
        self._later('snapshot', jitter(2000, 4000), function () { self._loadSnapshot(); });
      }
    });
  };

  client._applySnapshot = function (body) {
    var held = this._held || [], snapshotId = cursorId(body.cursor), i, foreign;
    foreign = this._cursor !== null && cursorEpoch(this._cursor) !== cursorEpoch(body.cursor);
    if (foreign) { held = []; }
    if (foreign || this._cursor === null || snapshotId > cursorId(this._cursor)) {
      this._cursor = body.cursor;
    }
    this._held = null;
    this._snapshotFailed = false;
    this._answered(body.hora_servidor);
    this._emit('instantanea', body);
    this._emitVersion(body.version);
    store(this._storageKey, body.cursor);
    for (i = 0; i < held.length && this._running; i++) {
      if (cursorId(held[i].cursor) > snapshotId) {
        this._deliver(held[i].name, held[i].data, held[i].cursor);
      }
    }
    if (!this._running) { return; }
    if (this._polling) {
      this._poll();
    } else if (!this._source || foreign) {
      this._start();
    }
    this._refreshMode(false);
  };

  // ---- EventSource ---------------------------------------------------------

  // An EventSource cannot send a token, and a token never stands in an address.
  client._canStream = function () {
    return !!window.EventSource && this._token === null;
  };

  client._start = function () {
    if (this._canStream()) {
      this._openStream();
    } else {
      this._log('sin EventSource');
      this._startPolling();
    }
  };

  client._openStream = function () {
    var self = this, path, source;
    if (!this._hasPlace()) { return; }
    this._closeStream();
    path = '/api/notificaciones/stream/' + encodeURIComponent(this.rol) +
      query({ cursor: this._cursor, cliente: this._tab });
    source = this._withCredentials ?
      new window.EventSource(this._base + path, { withCredentials: true }) :
      new window.EventSource(this._base + path);
    this._source = source;
    this._openedAt = mark();

    // What an earlier EventSource still has in its queue is not ours any more.
    function listen(name, handler) {
      source.addEventListener(name, function (message) {
        var data = parseJson(message.data);
        if (self._source !== source) { return; }
        if (data === null) {
          self._onTorn(name);
        } else {
          handler.call(self, isObject(data) ? data : {}, message, name);
        }
      }, false);
    }

    listen('hola', this._onHello);
    listen('latido', this._onHeartbeat);
    listen('evento_pedido', this._onEvent);
    listen('evento_alerta', this._onEvent);
    listen('evento_sistema', this._onEvent);
    listen('resincronizar', this._onResync);
    listen('reconexion', this._onReopen);
    listen('reinicio', this._onRestart);
    listen('ocupado', this._onBusy);
    listen('sesion_terminada', this._endSession);
    source.onerror = function () {
      if (self._source === source) { self._onStreamError(); }
    };
    this._armHello(HELLO_MS);
    if (!this._greeted) { this._pollSoon(); }
  };

  // ---- a place for the stream ------------------------------------------------
  // Over HTTP/1.1 a browser opens six connections to a host, for all of its tabs
  // together: with six streams nothing else goes out. So four clients of a browser
  // have a stream, and the others poll until one of the four places is free.

  // False where there is none: then it polls.
  client._hasPlace = function () {
    var self = this;
    this._later('place', PLACE_MS, function () { self._checkPlace(false); });
    if (this._places.take(false)) { return true; }
    if (this._streamLive) { this._beginPlanned(); }
    this._closeStream();
    this._startPolling();
    this._knock();
    this._refreshMode(false);
    return false;
  };

  // lapsedToo: whoever has a place and is there had time to say so.
  client._checkPlace = function (lapsedToo) {
    var self = this, had = this._places.number !== null;
    this._later('place', PLACE_MS, function () { self._checkPlace(false); });
    if (had && this._places.renew()) { return; }
    if (had) {
      this._log('otra pestaña tiene el lugar');
      this._openStream();
    } else if (this._places.take(lapsedToo)) {
      this._openStream();
    } else {
      this._knock();
    }
  };

  // The timers of a hidden tab may come once a minute; what it is told by another
  // tab comes at once.
  client._knock = function () {
    var self = this;
    if (this._places.anyLapsed()) {
      this._places.knock();
      this._later('place', KNOCK_MS, function () { self._checkPlace(true); });
    }
  };

  client._heedPlaces = function (event) {
    var self = this;
    if (!this._places.isAbout(event)) { return; }
    if (this._places.number !== null) {
      if (!this._places.isFresh()) { this._checkPlace(false); }
    } else if (event.newValue === null && this._timers.place) {
      this._later('place', jitter(0, KNOCK_MS), function () { self._checkPlace(false); });
    }
  };

  client._closeStream = function () {
    this._cancel('hello');
    this._cancel('watchdog');
    this._cancel('beside');
    this._cancel('trial');
    this._cancel('reopen');
    this._streamLive = false;
    this._expectedEnd = false;
    if (this._source) {
      this._source.onerror = null;
      closeForGood(this._source);
      this._source = null;
    }
  };

  client._onHello = function (data) {
    var prompt = elapsed(this._openedAt) <= ON_TIME_MS;
    this._log('conectado por SSE desde ' + data.cursor);
    this._cancel('hello');
    this._cancel('planned');
    this._cancel('stream');
    this._greeted = this._served = true;
    this._streamLive = true;
    this._streamGood = false;
    this._helloMs = Date.parse(data.hora_servidor);
    if (typeof data.latido_ms === 'number') { this._heartbeatMs = data.latido_ms; }
    this._emitVersion(data.version);
    this._heedCentral(data);
    this._advance(data.cursor);
    if (!prompt && !(this._lateness(data.hora_servidor) <= ON_TIME_MS)) {
      this._distrustStream('saludo con retraso');
      return;
    }
    if (prompt) { this._answered(data.hora_servidor); } else { this._touch(data.hora_servidor); }
    this._tryStream();
    this._refreshMode(false);
  };

  client._onHeartbeat = function (data) {
    var late = this._lateness(data.hora_servidor);
    this._heedCentral(data);
    this._advance(data.cursor);
    this._touch(late > ON_TIME_MS ? null : data.hora_servidor);
    this._heard();
    this._judgeStream(late);
  };

  // What is older than the greeting is replayed, and says nothing of how long it took.
  client._onEvent = function (data, message, name) {
    this._touch(null);
    this._receive(name, data, message.lastEventId);
    this._heard();
    if (!(Date.parse(data.timestamp) < this._helloMs)) { this._judgeStream(this._lateness(data.timestamp)); }
  };

  // ---- is the stream any good? ------------------------------------------------
  // A proxy may pass the greeting and nothing after it, or each message only when
  // the next one comes. So a stream is on trial until an event or a heartbeat has
  // come on time, and polling begins beside it where that takes long.

  client._tryStream = function () {
    if (!this._heartbeatMs) {
      this._trustStream();
      return;
    }
    this._armTrial();
    this._pollSoon();
    if (this._polling && this._pollState === 'failed') { this._poll(); }   // the service is there again
  };

  client._pollSoon = function () {
    var self = this;
    this._later('beside', BESIDE_MS, function () { self._startPolling(); });
  };

  client._armTrial = function () {
    var self = this;
    this._later('trial', TRIAL_MS, function () { self._distrustStream('mudo'); });
  };

  client._trustStream = function () {
    if (this._streamGood) { return; }
    this._cancel('beside');
    this._cancel('trial');
    this._streamGood = true;
    this._failures = 0;
    this._stopPolling();
    this._refreshMode(false);
  };

  // The first time it is soon tried again: perhaps the device was only busy.
  client._distrustStream = function (reason) {
    this._log('no se confía en el flujo: ' + reason);
    this._failures++;
    this._pollInstead(this._failures < FAILURES_TO_POLL ? jitter(3000, 5000) : streamRetryMs());
  };

  // lateMs: of what has come just now; NaN where that is not known.
  client._judgeStream = function (lateMs) {
    if (!this._streamLive) { return; }
    if (lateMs > LATE_MS) {
      this._distrustStream(Math.round(lateMs / 1000) + ' s de retraso');
    } else if (!(lateMs > ON_TIME_MS)) {
      this._trustStream();
    }
  };

  // The stream is not silent.
  client._heard = function () {
    if (!this._streamLive) { return; }
    this._armWatchdog();
    if (!this._streamGood) { this._armTrial(); }
  };

  client._onResync = function (data) {
    this._touch(null);
    this._heard();
    if (isCursor(data.cursor)) { this._resync(data); }
  };

  client._onReopen = function () {
    this._log('reconexión planeada');
    this._beginPlanned();
    this._openStream();
  };

  // EventSource comes back by itself after the `retry` that came with it.
  client._onRestart = function () {
    this._log('el servicio se reinicia');
    this._beginPlanned();
    this._expectedEnd = true;
  };

  client._onBusy = function () {
    this._log('el servicio está ocupado');
    this._pollInstead(streamRetryMs());
    this._refreshMode(false);
  };

  // WebKit puts what a cut has left of an event in front of what comes by the next
  // connection, and gives out both as one, under the event's id. The event itself
  // is yet to come: a new source asks for it.
  client._onTorn = function (name) {
    this._log(name + ' ilegible: se abre de nuevo');
    this._streamLive = false;
    this._streamFailed(false);
  };

  client._onStreamError = function () {
    var self = this;
    var closed = this._source.readyState === STREAM_CLOSED;
    var expected = this._expectedEnd;
    this._streamLive = false;
    this._expectedEnd = false;
    this._cancel('watchdog');
    this._cancel('beside');
    this._cancel('trial');
    if (closed && expected) {
      this._closeStream();
      this._later('reopen', jitter(500, 2500), function () { self._openStream(); });
    } else if (closed) {
      this._closeStream();
      this._askSession();
    } else {
      this._armHello(NATIVE_RETRY_MS + HELLO_MS);
      if (!expected) { this._streamFailed(true); }
    }
    this._refreshMode(false);
  };

  client._streamFailed = function (comesBackByItself) {
    var self = this;
    this._failures++;
    this._log('falla ' + this._failures + ' de SSE');
    if (this._polling || this._failures >= FAILURES_TO_POLL) {
      this._pollInstead(streamRetryMs());
    } else if (!comesBackByItself) {
      this._closeStream();
      this._later('reopen', jitter(1000, 3000), function () { self._openStream(); });
    }
    this._refreshMode(false);
  };

  // EventSource hides the status. Closed for good means 401, 403, 404, or a
  // proxy's error page: only the first of them is final.
  client._askSession = function () {
    var self = this;
    if (this._sessionRequest) { this._sessionRequest.abort(); }
    this._sessionRequest = this._request('GET', '/api/auth/sesion', null, isSession, function (status) {
      self._sessionRequest = null;
      if (status === 401) {
        self._endSession();
      } else if (!self._source) {
        self._streamFailed(false);
      }
    });
  };

  client._armHello = function (ms) {
    var self = this;
    this._later('hello', ms, function () {
      self._emitCrowded();
      self._streamFailed(false);
    });
  };

  // Only for a tab that was never served: where polls are answered, a proxy keeps the stream back, and later on silence
  // is the network's.
  client._emitCrowded = function () {
    if (!this._served && window.navigator.onLine !== false) {
      this._emit('demasiadas_pestanas', {});
    }
  };

  client._armWatchdog = function () {
    var self = this;
    if (!this._heartbeatMs) { return; }
    this._later('watchdog', this._heartbeatMs * 2.5, function () {
      self._log('sin latido: se abre de nuevo');
      self._failures++;
      self._openStream();
      self._refreshMode(false);
    });
  };

  client._beginPlanned = function () {
    var self = this;
    this._later('planned', PLANNED_MS, function () { self._refreshMode(true); });
  };

  // ---- polling -------------------------------------------------------------

  client._startPolling = function () {
    if (this._polling) { return; }
    this._log('polling cada ' + this._pollMs + ' ms');
    this._polling = true;
    this._pollState = 'new';
    this._poll();
  };

  // The stream is tried again after so many milliseconds, and then from time to time.
  client._pollInstead = function (retryMs) {
    this._closeStream();
    this._startPolling();
    if (this._canStream() && !this._timers.stream) { this._retryStreamIn(retryMs); }
  };

  client._stopPolling = function () {
    this._polling = false;
    this._cancel('poll');
    if (this._pollRequest) {
      this._pollRequest.abort();
      this._pollRequest = null;
    }
  };

  // Polling goes on meanwhile, until the stream is good.
  client._retryStreamIn = function (ms) {
    var self = this;
    this._later('stream', ms, function () {
      self._openStream();
      self._retryStreamIn(streamRetryMs());
    });
  };

  client._poll = function () {
    var self = this, path;
    this._cancel('poll');
    if (!this._polling || this._held) { return; }
    if (this._pollRequest) { this._pollRequest.abort(); }
    path = '/api/notificaciones/polling/' + encodeURIComponent(this.rol) +
      query({ cursor: this._cursor, cliente: this._tab });
    this._pollRequest = this._request('GET', path, null, isPoll, function (status, body, retryAfter) {
      self._pollRequest = null;
      if (status === 401) {
        self._endSession();
      } else if (status === 200) {
        self._onPoll(body);
      } else {
        // 429: the service is there, and says when it answers again.
        if (status !== 429) { self._pollState = 'failed'; }
        self._refreshMode(false);
        self._pollIn(Math.max(retryAfter * 1000, self._pollMs * jitter(1, 1.3)));
      }
    });
  };

  client._onPoll = function (body) {
    var fromNow = this._cursor === null, wasDown = this._pollState === 'failed', i, evento;
    this._pollState = 'ok';
    this._cancel('planned');
    this._answered(body.timestamp);
    this._heedCentral(body);
    if (body.resincronizar) {
      this._resync(body.resincronizar);
    } else {
      // Without a cursor the answer holds the last minutes; as on a stream
      // without one, this client begins now.
      for (i = 0; !fromNow && i < body.eventos.length && this._polling; i++) {
        evento = body.eventos[i];
        this._receive(eventName(evento), evento, cursorEpoch(body.cursor) + '-' + evento.id);
      }
      if (!this._polling) { return; }
      this._advance(body.cursor);
      this._pollIn(body.hay_mas ? 0 : Math.max(Number(body.siguiente_ms) || 0, this._pollMs));
    }
    this._refreshMode(false);
    // The service itself was away, so the stream may well work again.
    if (wasDown && this._canStream() && !this._streamLive) { this._retryStreamIn(jitter(0, 1000)); }
  };

  client._pollIn = function (ms) {
    var self = this;
    this._later('poll', ms, function () { self._poll(); });
  };

  // ---- actions ---------------------------------------------------------------
  // One at a time, in order, by the websocket where there is one, else by HTTP.
  // Every action may be sent twice, so one without an answer is sent again, until
  // it is answered or refused for good.

  client.suscribirPedido = function (pedidoId) {
    this._followed[pedidoId] = true;
    this._actOnOrder('suscribir_pedido', pedidoId);
  };

  client.desuscribirPedido = function (pedidoId) {
    delete this._followed[pedidoId];
    this._actOnOrder('desuscribir_pedido', pedidoId);
  };

  // options: {entendido: true} for what somebody has confirmed by hand.
  client.acusarRecibo = function (eventoIds, options) {
    var ids = [].concat(eventoIds), understood = !!(options && options.entendido), i, waiting;
    for (i = 0; i < ids.length; i++) {
      waiting = this._actions[this._actions.length - 1];
      if (!waiting || waiting.name !== 'acusar_recibo' || !!waiting.data.entendido !== understood ||
          waiting.data.evento_ids.length >= MAX_RECEIPTS) {
        waiting = { name: 'acusar_recibo', data: { evento_ids: [] } };
        if (understood) { waiting.data.entendido = true; }
        this._actions.push(waiting);
      }
      waiting.data.evento_ids.push(Number(ids[i]));
    }
    this._actSoon();
  };

  // What the page said of this order before and is still waiting is out of date.
  client._actOnOrder = function (name, pedidoId) {
    var id = Number(pedidoId), i = this._indexOfOrder(id);
    if (i >= 0) { this._actions.splice(i, 1); }
    this._actions.push({ name: name, data: { pedido_id: id } });
    this._actSoon();
  };

  client._indexOfOrder = function (id) {
    var i;
    for (i = 0; i < this._actions.length; i++) {
      if (this._actions[i].data.pedido_id === id) { return i; }
    }
    return -1;
  };

  // The service may have forgotten: another session, another database. Where it
  // has not, subscribing again changes nothing.
  client._resubscribe = function () {
    var id;
    for (id in this._followed) {
      if (this._followed.hasOwnProperty(id)) { this._actOnOrder('suscribir_pedido', id); }
    }
  };

  client._actSoon = function () {
    if (!this._timers.act) { this._act(); }
  };

  client._act = function () {
    if (!this._running || this._acting || !this._actions.length) { return; }
    this._cancel('act');
    this._acting = this._actions.shift();
    if (this._socketConfirmed()) {
      this._actBySocket(this._acting);
    } else {
      this._actByHttp(this._acting);
    }
  };

  client._actBySocket = function (action) {
    var self = this;
    this._call(action.name, action.data, function (answer) {
      if (answer !== null && IS_DONE[action.name](answer)) {
        self._socketFailures = 0;
        self._acted(answer);
      } else if (answer !== null && typeof answer.codigo === 'string' && ASK_AGAIN[answer.codigo] !== true) {
        self._refused(answer);
      } else {
        self._actByHttp(action);
      }
    });
  };

  client._actByHttp = function (action) {
    var self = this, data = action.data, method, path, body = null;
    if (action.name === 'acusar_recibo') {
      method = 'POST';
      path = '/api/notificaciones/acuses';
      body = data;
    } else {
      method = action.name === 'suscribir_pedido' ? 'PUT' : 'DELETE';
      path = '/api/notificaciones/suscripciones/' + data.pedido_id + query({ cliente: this._tab });
    }
    this._actionRequest = this._request(method, path, body, IS_DONE[action.name], function (status, answer, retryAfter) {
      self._actionRequest = null;
      if (status === 401) {
        self._endSession();
      } else if (status === 200) {
        self._acted(answer);
      } else if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        self._refused(answer.error);
      } else {
        self._actLater(retryAfter * 1000);
      }
    });
  };

  client._acted = function (answer) {
    var action = this._acting;
    this._acting = null;
    this._actionFailures = 0;
    this._emit(ANSWERS[action.name], answer);
    this._act();
  };

  client._refused = function (error) {
    var action = this._acting, report = { accion: action.name }, field;
    this._acting = null;
    this._actionFailures = 0;
    this._log(action.name + ': ' + error.codigo);
    if (action.name === 'suscribir_pedido') { delete this._followed[action.data.pedido_id]; }
    if (action.name === 'acusar_recibo') { action = this._withoutAccepted(action, error.campos); }
    for (field in action.data) {
      if (action.data.hasOwnProperty(field)) { report[field] = action.data[field]; }
    }
    for (field in error) {
      if (error.hasOwnProperty(field)) { report[field] = error[field]; }
    }
    this._emit('error', report);
    this._act();
  };

  // Receipts are refused together for the sake of one: the others go again.
  client._withoutAccepted = function (action, fields) {
    var ids = action.data.evento_ids, bad = [], good = [], i;
    for (i = 0; i < ids.length; i++) {
      (fields && fields['evento_ids.' + i] ? bad : good).push(ids[i]);
    }
    if (!bad.length || !good.length) { return action; }
    this._actions.unshift({ name: action.name, data: { evento_ids: good, entendido: action.data.entendido } });
    return { name: action.name, data: { evento_ids: bad, entendido: action.data.entendido } };
  };

  // Behind the others, so that one that fails does not hold them up.
  client._actLater = function (atLeastMs) {
    var self = this, action = this._acting;
    this._acting = null;
    if (action.data.pedido_id === undefined || this._indexOfOrder(action.data.pedido_id) < 0) {
      this._actions.push(action);
    }
    this._actionFailures++;
    this._later('act', Math.max(atLeastMs, backoff(this._actionFailures)), function () { self._act(); });
  };

  // ---- the websocket -----------------------------------------------------------
  // Engine.IO v4 and Socket.IO v5, for actions alone: events come by the stream or
  // by polling, which know nothing of it. A packet is Engine.IO's digit, for a
  // message Socket.IO's digit, the number of the ack, and JSON.

  client._socketConfirmed = function () {
    return this._socket !== null && this._socket.confirmed;
  };

  client._socketUrl = function () {
    var link = document.createElement('a');
    link.href = this._base + '/socket.io/?EIO=4&transport=websocket';
    return link.href.replace(/^http/, 'ws');
  };

  client._openSocket = function () {
    var self = this, socket;
    if (!window.WebSocket || this._socket || this._socketRefused) { return; }
    this._cancel('socket');
    socket = { ws: null, acks: {}, nextAck: 0, confirmed: false, patienceMs: 0 };
    try {
      socket.ws = new window.WebSocket(this._socketUrl());
    } catch (error) {
      this._socketRefused = true;   // the page's own rules forbid it
      return;
    }
    this._socket = socket;
    socket.ws.onmessage = function (message) { self._onPacket(String(message.data)); };
    socket.ws.onclose = function () { self._loseSocket('cerrado'); };
    this._later('socket', SOCKET_OPEN_MS, function () { self._loseSocket('sin confirmación'); });
  };

  client._onPacket = function (packet) {
    var kind = packet.charAt(0), data;
    if (kind === '0') {
      data = parseJson(packet.slice(1)) || {};
      this._socket.patienceMs = data.pingInterval + data.pingTimeout;
      this._awaitPing();
      this._send(this._socket, '40' + (this._token === null ? '' : JSON.stringify({ token: this._token })));
    } else if (kind === '2') {
      this._awaitPing();
      this._send(this._socket, '3');
    } else if (kind === '4') {
      this._onMessage(packet.charAt(1), /^(\d*)([^]*)$/.exec(packet.slice(2)));
    }
  };

  client._awaitPing = function () {
    var self = this;
    if (this._socket.patienceMs > 0) {
      this._later('silence', this._socket.patienceMs, function () { self._loseSocket('sin ping'); });
    }
  };

  // Answers are taken from the acks; the events that say the same are left alone.
  client._onMessage = function (kind, parts) {
    var data = parseJson(parts[2]), ack = this._socket.acks[parts[1]];
    if (kind === '0') {
      this._introduce();
    } else if (kind === '4') {
      data = isObject(data) ? data.message : '';
      if (FOR_GOOD[data] === true) { this._refuseSocket(data); } else { this._loseSocket('no aceptado'); }
    } else if (kind === '3' && ack && data) {
      delete this._socket.acks[parts[1]];
      window.clearTimeout(ack.timer);
      ack.done(data[0] || {});
    } else if (kind === '2' && data && data[0] === 'sesion_terminada') {
      this._endSession();
    }
  };

  client._introduce = function () {
    var self = this, user = {
      usuario_id: this.usuario_id, rol: this.rol, username: this.username, cliente: this._tab, eventos: false
    };
    this._call('conectar_usuario', user, function (answer) {
      if (answer === null) { return; }
      if (!isSession(answer)) {
        if (FOR_GOOD[answer.codigo] === true) { self._refuseSocket(answer.codigo); } else { self._loseSocket('no confirmado'); }
        return;
      }
      self._log('websocket confirmado');
      self._cancel('socket');
      self._socket.confirmed = true;
      self._socketsBefore++;
      self._pingLater();
      if (self._socketsBefore > 1) { self._resubscribe(); }
      self._act();
    });
  };

  client._pingLater = function () {
    var self = this;
    this._later('ping', PING_MS, function () { self._ping(); });
  };

  // Keeps the way through proxies open, and finds out whether there still is one.
  client._ping = function () {
    var self = this;
    this._call('ping', undefined, function (answer) {
      if (answer === null) { return; }
      self._socketFailures = 0;
      self._pingLater();
    });
  };

  // done(answer), or done(null) where the socket ended before it.
  client._call = function (name, data, done) {
    var self = this, socket = this._socket, id = socket.nextAck++;
    socket.acks[id] = {
      done: done,
      timer: window.setTimeout(function () { self._loseSocket(name + ' sin respuesta'); }, ACK_MS)
    };
    this._send(socket, '42' + id + JSON.stringify(data === undefined ? [name] : [name, data]));
  };

  // A socket that is closing takes nothing more, and says so on the console: its end, which is on the way, answers
  // whoever waits.
  client._send = function (socket, packet) {
    if (socket.ws.readyState === SOCKET_OPEN) { socket.ws.send(packet); }
  };

  client._refuseSocket = function (reason) {
    this._socketRefused = true;
    this._loseSocket(reason);
  };

  client._loseSocket = function (reason) {
    var self = this, acks = this._dropSocket(), id;
    this._log('sin websocket: ' + reason);
    this._socketFailures++;
    if (!this._socketRefused) {
      this._later('socket', backoff(this._socketFailures), function () { self._openSocket(); });
    }
    for (id in acks) {
      if (acks.hasOwnProperty(id)) { acks[id].done(null); }
    }
  };

  // The acks that were awaited.
  client._dropSocket = function () {
    var socket = this._socket, id;
    this._socket = null;
    this._cancel('socket');
    this._cancel('silence');
    this._cancel('ping');
    if (!socket) { return {}; }
    socket.ws.onmessage = socket.ws.onclose = null;
    socket.ws.close();
    for (id in socket.acks) {
      if (socket.acks.hasOwnProperty(id)) { window.clearTimeout(socket.acks[id].timer); }
    }
    return socket.acks;
  };

  client._checkSocket = function () {
    if (this._socketConfirmed()) {
      this._ping();
    } else {
      this._openSocket();
    }
  };

  // ---- mode, waking up, ending -----------------------------------------------

  client._refreshMode = function (plannedIsOver) {
    var before = this._mode, mode = 'sin_conexion', placeless;
    if (this._snapshotFailed) {
      mode = 'sin_conexion';
    } else if (this._streamLive && (this._streamGood || !this._polling || this._pollState === 'new')) {
      mode = 'sse';
    } else if (this._polling && this._pollState === 'ok') {
      mode = 'polling';
    } else if (this._running && this._timers.planned) {
      return;
    }
    placeless = mode === 'polling' && this._canStream() && this._places.number === null;
    if (mode !== before && this._askingSince !== null) { this._askingSince = mark(); }
    if (mode === before && placeless === this._placeless) { return; }
    this._mode = mode;
    this._placeless = placeless;
    this._log('modo ' + mode);
    this._emit('conexion', { modo: mode, anterior: before, planeado: plannedIsOver, sin_lugar: placeless });
    if (mode !== 'sin_conexion') { this._act(); }
  };

  // A device that wakes still believes that its dead socket is open.
  client._wake = function (event) {
    var sure = event.type === 'online' || event.persisted === true;
    if (!this._running || document.hidden) { return; }
    if (!sure && elapsed(this._dataAt) < FRESH_MS) { return; }
    this._log('se comprueba la conexión (' + event.type + ')');
    this._act();
    this._checkSocket();
    if (this._held) { this._loadSnapshot(); }
    if (this._polling) {
      this._poll();
      if (this._canStream()) { this._retryStreamIn(0); }
    } else if (this._source || this._timers.reopen) {
      if (this._streamLive) { this._beginPlanned(); }
      this._openStream();
    }
  };

  client._listen = function (on) {
    var method = on ? 'addEventListener' : 'removeEventListener';
    document[method]('visibilitychange', this._onWake, false);
    window[method]('online', this._onWake, false);
    window[method]('pageshow', this._onWake, false);
    window[method]('pagehide', this._onLeave, false);
    window[method]('storage', this._onStorage, false);
  };

  client._endSession = function () {
    if (!this._running) { return; }
    this._log('sesión terminada');
    this._stop();
    this._emit('sesion_terminada', {});
  };

  client._stop = function () {
    var name;
    this._running = false;
    this._closeStream();
    this._places.leave();
    this._stopPolling();
    this._dropSocket();
    for (name in this._timers) {
      if (this._timers.hasOwnProperty(name)) { this._cancel(name); }
    }
    if (this._snapshotRequest) { this._snapshotRequest.abort(); }
    if (this._sessionRequest) { this._sessionRequest.abort(); }
    if (this._actionRequest) { this._actionRequest.abort(); }
    this._snapshotRequest = null;
    this._sessionRequest = null;
    this._actionRequest = null;
    if (this._acting) {
      this._actions.unshift(this._acting);
      this._acting = null;
    }
    this._askingSince = null;
    this._snapshotFailed = false;
    if (this._held) {
      // What was held has not been handled: begin again from what was.
      this._held = null;
      this._cursor = stored(this._storageKey);
    }
    this._listen(false);
    this._refreshMode(false);
  };

  // ---- timers, requests, log -------------------------------------------------

  // One timer a name; setting it again moves it.
  client._later = function (name, ms, action) {
    var self = this;
    this._cancel(name);
    this._timers[name] = window.setTimeout(function () {
      self._timers[name] = null;
      if (self._running) { action(); }
    }, Math.min(ms, LONGEST_TIMER_MS));
  };

  client._cancel = function (name) {
    if (this._timers[name]) {
      window.clearTimeout(this._timers[name]);
      this._timers[name] = null;
    }
  };

  // isDone(body): what a success holds. done(status, body or null, Retry-After in seconds or 0); status 0 is no answer
  // of the service's.
  client._request = function (method, path, body, isDone, done) {
    var self = this, xhr = new window.XMLHttpRequest(), over = false, timer;

    function finish(status) {
      var answer;
      if (over) { return; }
      over = true;
      window.clearTimeout(timer);
      if (!self._running) { return; }
      if (status && method !== 'GET') { self._askingSince = null; }
      if (status && self._source) { self._served = true; }
      answer = status ? parseJson(xhr.responseText) : null;
      if (status && !(status >= 200 && status < 300 ? isDone : isError)(answer)) {
        self._log('respuesta ajena (' + status + '): ' + path);
        status = 0;
        answer = null;
      }
      done(
        status,
        answer,
        // Asking for it on another origin is an error in the console.
        status === 429 || status === 503 ? Math.min(LONGEST_WAIT_S, Number(xhr.getResponseHeader('Retry-After')) || 0) : 0
      );
    }

    if (method !== 'GET' && this._askingSince === null) { this._askingSince = mark(); }
    xhr.open(method, this._base + path, true);
    if (this._withCredentials) { xhr.withCredentials = true; }
    xhr.setRequestHeader('Accept', 'application/json');
    if (this._token !== null) { xhr.setRequestHeader('Authorization', 'Bearer ' + this._token); }
    if (body !== null) { xhr.setRequestHeader('Content-Type', 'application/json'); }
    xhr.onreadystatechange = function () {
      if (xhr.readyState === 4) { finish(xhr.status); }
    };
    timer = window.setTimeout(function () {
      finish(0);
      xhr.abort();
    }, REQUEST_MS);
    xhr.send(body === null ? null : JSON.stringify(body));
    return {
      abort: function () {
        over = true;
        window.clearTimeout(timer);
        xhr.abort();
      }
    };
  };

  client._log = function (text) {
    if (this._debug && window.console && window.console.log) {
      window.console.log('[Notificaciones-' + this.rol + '] ' + text);
    }
  };

  window.ClienteNotificaciones = ClienteNotificaciones;
}(window));
