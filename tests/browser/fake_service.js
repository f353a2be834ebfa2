/* A service inside the page, for the tests of notificaciones.js: an EventSource
   that does what the test says, and a list of what the client has done. */
(function (window) {
  'use strict';

  window.sources = [];
  window.seen = [];
  window.begun = 0;              // requests that were sent
  window.ended = 0;              // and of these, that were answered, or failed

  var send = window.XMLHttpRequest.prototype.send;
  window.XMLHttpRequest.prototype.send = function (body) {
    window.begun++;
    this.addEventListener('loadend', function () { window.ended++; });
    send.call(this, body);
  };

  function FakeEventSource(url) {
    this.url = url;
    this.readyState = 0;
    this.listeners = {};
    this.onerror = null;
    window.sources.push(this);
  }

  FakeEventSource.prototype.addEventListener = function (name, listener) {
    (this.listeners[name] = this.listeners[name] || []).push(listener);
  };

  FakeEventSource.prototype.close = function () { this.readyState = 2; };

  FakeEventSource.prototype.send = function (name, data, id) {
    var list = this.listeners[name] || [], i;
    if (this.readyState !== 2) { this.readyState = 1; }
    if (id) { this.lastId = id; }
    for (i = 0; i < list.length; i++) {
      list[i]({ type: name, data: JSON.stringify(data), lastEventId: this.lastId || '' });
    }
  };

  FakeEventSource.prototype.fail = function (state) {
    this.readyState = state;
    if (this.onerror) { this.onerror({}); }
  };

  window.EventSource = FakeEventSource;

  window.watch = function (client) {
    var names = ['instantanea', 'conexion', 'resincronizar', 'sesion_terminada', 'demasiadas_pestanas',
      'evento_pedido', 'evento_alerta', 'evento_sistema', 'suscripcion_confirmada', 'desuscripcion_confirmada',
      'acuse_confirmado', 'error'];
    names.forEach(function (name) {
      client.on(name, function (value) {
        window.seen.push([name, value.id || value.pedido_id || value.cursor || value.modo || value.nuevos || '']);
      });
    });
    return client;
  };

  // The service's clock is the page's; what it sends arrives so many milliseconds later.
  function serverTime(lateMs) {
    return new Date(Date.now() - (lateMs || 0)).toISOString();
  }

  window.hello = function (source, cursor, lateMs, heartbeatMs) {
    source.send('hola', { cursor: cursor, rol: 'cocinero', salas: ['cocina'],
      hora_servidor: serverTime(lateMs), latido_ms: heartbeatMs === undefined ? 15000 : heartbeatMs }, cursor);
  };

  window.beat = function (source, cursor, lateMs) {
    source.send('latido', { cursor: cursor, hora_servidor: serverTime(lateMs) }, cursor);
  };

  window.order = function (source, id, epoch, lateMs) {
    source.send('evento_pedido', { id: id, tipo: 'nuevo_pedido', pedido_id: 1000 + id, timestamp: serverTime(lateMs) },
      (epoch || 'e') + '-' + id);
  };
}(window));
