/* This device is rung while the page is closed: the browser subscribes at its
   maker's service, and ours is told where. It is asked for by a tap, never by
   itself; what is there already is told again by each page that is loaded, since
   it belongs to the session. A page that is in sight and has rung says so, and
   then the device is not rung a second time. */
(function (window) {
  'use strict';

  var document = window.document;
  var navigator = window.navigator;
  var pages = window.posNotif = window.posNotif || {};
  var http = pages.http;
  var WORDS = pages.words.push;
  var DEVICE = 'notif:aparato';
  var GIVEN_UP_MS = 20000;       // without internet a browser may never answer
  var TOGETHER_MS = 150;
  var SEEN_PATIENCE_MS = 3000;   // the service waits 4 s
  var MOST_SEEN = 100;

  // onChange(): something of it has changed. sound: what has rung.
  function Push(sound, onChange) {
    this.sound = sound;
    this.onChange = onChange;
    this.ways = [];              // 'webpush', 'ntfy'; none where the service rings no device
    this.key = null;
    this.ntfy = null;            // {url, tema}
    this.subscription = null;
    this.isOn = false;           // the service knows it
    this.busy = false;
    this.said = '';              // what came of the last tap
    this.seen = [];
    this.timer = null;
  }

  var push = Push.prototype;

  // ---- what there is ------------------------------------------------------------------

  push.load = function () {
    var self = this;
    http.get('/api/push', { activo: 'boolean', vias: 'array' }, function (answer) {
      if (answer.status !== 200 || !answer.body.activo) { return; }
      self.ways = answer.body.vias;
      self.key = answer.body.clave_publica || null;
      self.ntfy = answer.body.ntfy || null;
      self.onChange();
      if (self.can()) { self._resume(); }
    });
  };

  push.has = function (way) { return this.ways.indexOf(way) >= 0; };

  push.isActive = function () { return this.ways.length > 0; };

  function isSecure() { return window.isSecureContext !== false && !!navigator.serviceWorker; }

  push.can = function () {
    return this.has('webpush') && !!this.key && isSecure() && !!window.PushManager && !!window.Notification && pages.worker.get() !== null;
  };

  // 'off', 'insecure', 'home' (an iPhone's tab), 'none', 'blocked', 'busy', 'on' or 'ask'.
  push.state = function () {
    if (!this.has('webpush')) { return 'off'; }
    if (!isSecure()) { return 'insecure'; }
    if (!this.can()) { return navigator.standalone === false ? 'home' : 'none'; }
    if (window.Notification.permission === 'denied') { return 'blocked'; }
    if (this.busy) { return 'busy'; }
    return this.isOn && window.Notification.permission === 'granted' ? 'on' : 'ask';
  };

  // ---- subscribing --------------------------------------------------------------------

  function bytesOf(key) {
    var text = window.atob(key.replace(/-/g, '+').replace(/_/g, '/')), bytes = new window.Uint8Array(text.length), i;
    for (i = 0; i < text.length; i++) { bytes[i] = text.charCodeAt(i); }
    return bytes;
  }

  // Of another key the service can tell it nothing.
  function isOf(subscription, key) {
    var own = subscription.options && subscription.options.applicationServerKey, wanted = bytesOf(key);
    if (!own) { return true; }
    own = new window.Uint8Array(own);
    return own.length === wanted.length && Array.prototype.every.call(own, function (byte, i) { return byte === wanted[i]; });
  }

  function device() {
    var kept = pages.storage.browser, id = kept.get(DEVICE), hex;
    if (!id) {
      hex = Array.prototype.map.call(window.crypto.getRandomValues(new window.Uint8Array(16)), function (byte) {
        return (256 + byte).toString(16).slice(1);
      }).join('');
      id = [hex.slice(0, 8), hex.slice(8, 12), '4' + hex.slice(13, 16), 'a' + hex.slice(17, 20), hex.slice(20)].join('-');
      kept.set(DEVICE, id);
    }
    return id;
  }

  push._resume = function () {
    var self = this;
    if (window.Notification.permission !== 'granted') { return; }
    pages.worker.get().then(function (registration) {
      return registration.pushManager.getSubscription().then(function (found) {
        if (!found) { return; }
        if (isOf(found, self.key)) { self._tell(found); } else { self._renew(registration, found); }
      });
    }).then(null, function () { return; });
  };

  push._renew = function (registration, old) {
    var self = this;
    return old.unsubscribe().then(function () {
      http.send('DELETE', '/api/push/suscripcion', { endpoint: old.endpoint }, null, function () { return; });
      return self._subscribe(registration);
    });
  };

  push._subscribe = function (registration) {
    var self = this, options = { userVisibleOnly: true, applicationServerKey: bytesOf(this.key) };
    return registration.pushManager.subscribe(options).then(function (made) { self._tell(made); });
  };

  push._end = function (said) {
    window.clearTimeout(this.timer);
    this.busy = false;
    this.said = said;
    this.onChange();
  };

  // Where the service refuses it, in its words.
  function why(answer) { return answer.status ? answer.body.error.mensaje : WORDS.noAnswer; }

  push._tell = function (subscription) {
    var self = this, told = subscription.toJSON();
    this.subscription = subscription;
    http.send('PUT', '/api/push/suscripcion', { endpoint: told.endpoint, keys: told.keys, cliente: device() }, {}, function (answer) {
      self.isOn = answer.status === 200 || answer.status === 201;
      self._end(self.isOn ? '' : why(answer));
    });
  };

  // Must be called from a tap.
  push.ask = function () {
    var self = this;
    if (this.busy) { return; }
    this.busy = true;
    this.said = '';
    window.clearTimeout(this.timer);
    this.onChange();
    window.Notification.requestPermission(function (permission) {
      if (permission === 'granted') { self._begin(); } else { self._end(''); }
    });
  };

  push._begin = function () {
    var self = this;
    this.timer = window.setTimeout(function () { self._end(WORDS.gaveUp); }, GIVEN_UP_MS);
    pages.worker.get().then(function (registration) {
      return registration.pushManager.getSubscription().then(function (found) {
        if (found && isOf(found, self.key)) { return self._tell(found); }
        return found ? self._renew(registration, found) : self._subscribe(registration);
      });
    }).then(null, function () { self._end(WORDS.failed); });
  };

  push.stop = function () {
    var self = this, endpoint = this.subscription && this.subscription.endpoint;
    if (!endpoint) { return; }
    http.send('DELETE', '/api/push/suscripcion', { endpoint: endpoint }, null, function (answer) {
      if (answer.status !== 204) {
        self._end(why(answer));
        return;
      }
      self.isOn = false;
      self.subscription.unsubscribe().then(null, function () { return; });
      self.subscription = null;
      self._end('');
    });
  };

  push.test = function () {
    var self = this;
    http.send('POST', '/api/push/prueba', null, null, function (answer) {
      self._end(answer.status === 202 ? WORDS.tested : why(answer));
    });
  };

  // ---- what has rung here ---------------------------------------------------------------

  // ids: of events that this page has rung for, or has shown as an alarm.
  push.saw = function (ids) {
    var self = this;
    if (!this.isActive() || document.hidden || !this.sound.isHeard()) { return; }
    if (!this.seen.length) { window.setTimeout(function () { self._sendSeen(); }, TOGETHER_MS); }
    this.seen = this.seen.concat(ids).slice(-MOST_SEEN);
  };

  push._sendSeen = function () {
    var ids = this.seen;
    this.seen = [];
    http.send('POST', '/api/push/vistos', { evento_ids: ids }, { vistos: 'number' }, function () { return; }, SEEN_PATIENCE_MS);
  };

  // ---- where a notification leads --------------------------------------------------------

  // "/pos?pedido=5" is this page with the order's sheet, whether it is opened so or was open.
  function hashOf(address) {
    var found = /[?&]pedido=(\d+)/.exec(address);
    return found ? '#pedido-' + found[1] : '';
  }

  if (hashOf(window.location.search) && window.history.replaceState) {
    window.history.replaceState(null, '', window.location.pathname + hashOf(window.location.search));
  }
  if (navigator.serviceWorker) {
    navigator.serviceWorker.addEventListener('message', function (event) {
      var hash = event.data && hashOf(event.data.abrir);
      if (hash) { window.location.hash = hash; }
    });
  }

  pages.Push = Push;
}(window));
