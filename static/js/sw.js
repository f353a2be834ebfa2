/* This is the service worker: what a page that was installed shows where the
   service does not answer, and a phone's notifications. It begins with what the
   service tells it (pos_notif/web/installed.py): self.posNotif = {version, pwa,
   novedades}. It answers navigations to our pages and files whose address has
   a version, and touches nothing else. */
(function (self) {
  'use strict';

  var told = self.posNotif;
  var caches = self.caches;
  var PATIENCE_MS = 4000;
  var SAME_MS = 30000;
  var LOOK_MS = 1000;
  var SHELL = '/sin-conexion?pantalla=';
  var KINDS = ['cocina', 'pos', 'caja', 'manager'];
  // Where a page was asked for, and what is shown in its place. /docs and downloads are not ours to answer.
  var KIND_OF = {
    '/': 'pos', '/login': 'pos', '/cocina': 'cocina', '/pos': 'pos', '/caja': 'caja',
    '/manager': 'manager', '/manager/registro': 'manager', '/manager/menu': 'manager'
  };
  var BOARDS = 'pos_notif';      // the database of shared/kept.js

  function refuse(why) { throw new Error(why); }

  // ---- one cache, of one version ------------------------------------------------------

  function keepOnly(name) {
    return caches.keys().then(function (names) {
      return self.Promise.all(names.map(function (other) { return other === name ? true : caches.delete(other); }));
    });
  }

  // A service of another version answers with its own files, but not as those of this one.
  function keepFile(cache, address) {
    return self.fetch(address).then(function (answer) {
      if (!answer.ok || !/immutable/.test(answer.headers.get('Cache-Control'))) { refuse(address); }
      return cache.put(address, answer);
    });
  }

  // The page, and the files that it names.
  function keepShell(cache, kind) {
    return self.fetch(SHELL + kind, { cache: 'no-store' }).then(function (answer) {
      var copy = answer.clone();
      return answer.text().then(function (text) {
        var files = (text.match(/"\/static\/[^"]*\?v=[^"]*"/g) || []).map(function (found) {
          return found.slice(1, -1).replace(/&amp;/g, '&');
        });
        if (!answer.ok || text.indexOf('data-version="' + told.version + '"') < 0) { refuse(kind); }
        return self.Promise.all(files.map(function (file) { return keepFile(cache, file); })).then(function () {
          return cache.put(SHELL + kind, copy);
        });
      });
    });
  }

  // All of one version, or nothing.
  function keepAll() {
    return caches.open(told.version).then(function (cache) {
      return self.Promise.all(KINDS.map(function (kind) { return keepShell(cache, kind); }));
    }).then(null, function (why) {
      return caches.delete(told.version).then(function () { throw why; });
    });
  }

  function forgetAll() {
    self.indexedDB.deleteDatabase(BOARDS);
    return keepOnly('').then(function () { return self.registration.unregister(); });
  }

  self.addEventListener('install', function (event) {
    // Where a browser can be told, it wakes no worker for what is not answered here.
    if (told.pwa && event.addRoutes) {
      event.waitUntil(event.addRoutes([
        { condition: { urlPattern: { pathname: '/api/*' } }, source: 'network' },
        { condition: { urlPattern: { pathname: '/socket.io/*' } }, source: 'network' }
      ]).then(null, function () { return; }));
    }
    event.waitUntil((told.pwa ? keepAll() : self.Promise.resolve()).then(function () { return self.skipWaiting(); }));
  });

  self.addEventListener('activate', function (event) {
    event.waitUntil(told.pwa ? keepOnly(told.version).then(function () { return self.clients.claim(); }) : forgetAll());
  });

  // ---- requests -----------------------------------------------------------------------

  // It opens no cache, and so makes none: a newer worker may have deleted this one's.
  function kept(address) {
    return caches.match(address, { cacheName: told.version, ignoreVary: true });
  }

  function keep(request, answer) {
    return caches.has(told.version).then(function (isThere) {
      return isThere && caches.open(told.version).then(function (cache) { return cache.put(request, answer); });
    });
  }

  // As proxies answer for a service that is not there.
  function isAway(answer) { return answer.status >= 502 && answer.status <= 504; }

  // Hotspots, proxies and other services answer too, with any status: a page of ours says of which version it is. Where
  // an answer sends the browser elsewhere, what is there counts.
  function isOurs(request, answer) {
    var whole = answer.type === 'opaqueredirect' ? self.fetch(request.url, { cache: 'no-store', credentials: 'same-origin' }) :
      self.Promise.resolve(answer.clone());
    return whole.then(function (found) { return found.text(); }).then(function (text) {
      return text.indexOf(' data-version="') >= 0;
    }, function () { return false; });
  }

  function page(request, kind) {
    return new self.Promise(function (done) {
      function showShell(otherwise) {
        kept(SHELL + kind).then(function (shell) {
          if (shell || otherwise) { done(shell || otherwise); }
        }, function () {
          if (otherwise) { done(otherwise); }
        });
      }
      self.setTimeout(showShell, PATIENCE_MS);
      self.fetch(request).then(function (answer) {
        if (isAway(answer)) { return showShell(answer); }
        return isOurs(request, answer).then(function (ours) {
          if (ours) { done(answer); } else { showShell(answer); }
        });
      }, function () { showShell(self.Response.error()); });
    });
  }

  function file(event, version) {
    return kept(event.request).then(function (found) {
      return found || self.fetch(event.request).then(function (answer) {
        var copy = answer.clone();
        if (answer.status === 200 && version === told.version && /immutable/.test(answer.headers.get('Cache-Control'))) {
          event.waitUntil(keep(event.request, copy));
        }
        return answer;
      });
    });
  }

  self.addEventListener('fetch', function (event) {
    var request = event.request, address = new self.URL(request.url), version = address.searchParams.get('v');
    if (!told.pwa || request.method !== 'GET' || address.origin !== self.location.origin) { return; }
    if (request.mode === 'navigate') {
      if (KIND_OF.hasOwnProperty(address.pathname)) { event.respondWith(page(request, KIND_OF[address.pathname])); }
    } else if (version && /^\/static\//.test(address.pathname) && !request.headers.has('Range')) {
      event.respondWith(file(event, version));
    }
  });

  // ---- notifications -------------------------------------------------------------------

  // An address of ours as a path; of anything else, the waiter's page.
  function pathOf(address) {
    var url;
    try { url = new self.URL(address, self.location.origin); } catch (error) { return '/pos'; }
    return address && url.origin === self.location.origin ? url.pathname + url.search + url.hash : '/pos';
  }

  // {title, body, navigate, tag, lang, id} of a message; of one that nobody can read, that there is one: a browser takes
  // the permission back from a page that is told something and shows nothing.
  function read(data) {
    var message = null, said;
    try { message = data.json(); } catch (error) { message = null; }
    said = (message && message.notification) || {};
    return {
      title: typeof said.title === 'string' && said.title ? said.title : told.novedades,
      body: typeof said.body === 'string' ? said.body : '',
      navigate: pathOf(said.navigate),
      tag: typeof said.tag === 'string' && said.tag ? said.tag : 'novedades',   // without one nothing may ring again
      lang: said.lang || 'es-SV',
      id: message && typeof message.evento_id === 'number' ? message.evento_id : null
    };
  }

  // Of one event the page and the service tell seconds apart, the service twice where it was killed meanwhile. Where one
  // of the two does not say of which event it is, they are taken for the same for so long.
  function isSame(shown, said, now) {
    var data = shown.data || {}, hasId = typeof data.id === 'number';
    if (hasId && said.id !== null) { return data.id === said.id; }
    return hasId !== (said.id !== null) && now >= data.at && now - data.at < SAME_MS;
  }

  // Those of a tag; null where the browser does not say in time, for whatever reason.
  function shownOf(tag) {
    return new self.Promise(function (done) {
      function unknown() { done(null); }
      self.setTimeout(unknown, LOOK_MS);
      self.Promise.resolve().then(function () { return self.registration.getNotifications({ tag: tag }); }).then(done, unknown);
    });
  }

  // What is told again takes the place of itself, and rings again only where it is about something newer, or nobody
  // knows: to stay silent, or to show nothing, is worse.
  function show(said) {
    var now = new Date().getTime();
    return shownOf(said.tag).then(function (shown) {
      return self.registration.showNotification(said.title, {
        body: said.body, tag: said.tag, lang: said.lang,
        renotify: !shown || (shown.length > 0 && !shown.some(function (one) { return isSame(one, said, now); })),
        icon: '/static/icons/192.png', data: { id: said.id, at: now, navigate: said.navigate }
      });
    });
  }

  self.addEventListener('push', function (event) { event.waitUntil(show(read(event.data))); });

  // ---- the subscription ----------------------------------------------------------------

  // What was answered with; the session's cookie goes with it.
  function ask(method, address, content) {
    return self.fetch(address, content ? {
      method: method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(content)
    } : { method: method }).then(function (answer) {
      if (!answer.ok) { refuse(address); }
      return answer.status === 204 ? null : answer.json();
    });
  }

  // The new one, by the old one's key: so it is there for the next page to tell where the service is away just now.
  function subscribeAgain(old) {
    var manager = self.registration.pushManager, key = old && old.options && old.options.applicationServerKey;
    return manager.getSubscription().then(function (found) {
      if (found) { return found; }
      return (key ? self.Promise.resolve(key) : ask('GET', '/api/push').then(function (told) {
        return told.clave_publica || refuse('clave_publica');
      })).then(function (known) {
        return manager.subscribe({ userVisibleOnly: true, applicationServerKey: known });
      });
    });
  }

  // The browser's push service has ended a subscription, or is about to, and no page need be open: as Mozilla's does; of
  // other browsers' the pages hear when they are loaded (shared/push.js). Who has signed out is rung no more: then the
  // service refuses this, and hears of it by the page on which somebody signs in.
  self.addEventListener('pushsubscriptionchange', function (event) {
    var old = event.oldSubscription;
    event.waitUntil(subscribeAgain(old).then(function (made) {
      var now = made.toJSON();
      return ask('PUT', '/api/push/suscripcion', { endpoint: now.endpoint, keys: now.keys }).then(function () {
        return old && old.endpoint !== now.endpoint && ask('DELETE', '/api/push/suscripcion', { endpoint: old.endpoint });
      });
    }).then(null, function () { return; }));
  });

  // A tap on the notification brings the page to the front that is open, or opens it. That is told where to go, since
  // loading it anew would lose what somebody is writing there.
  self.addEventListener('notificationclick', function (event) {
    var data = event.notification.data || {}, target = data.navigate || '/pos', path = target.split(/[?#]/)[0];
    event.notification.close();
    event.waitUntil(self.clients.matchAll({ type: 'window', includeUncontrolled: true }).then(function (windows) {
      var open = windows.filter(function (each) { return new self.URL(each.url).pathname === path; })[0];
      if (!open) { return self.clients.openWindow(target); }
      open.postMessage({ abrir: target });
      return open.focus();
    }));
  });
}(self));
