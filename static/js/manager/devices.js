/* This shows who is connected, by role, with the age of each device's last
   sign of life, in red where one has gone. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var WORDS = pages.managerWords;
  var fill = pages.fill;
  var LEAST_MS = 1000;
  var MOST_MS = 4000;
  var ROLES = [
    { rol: 'cocinero', title: WORDS.roles.cocinero, icon: 'tablet' },
    { rol: 'mesero', title: WORDS.roles.mesero, icon: 'phone' },
    { rol: 'cajero', title: WORDS.roles.cajero, icon: 'desk' },
    { rol: 'manager', title: WORDS.roles.manager, icon: 'desk' }
  ];

  function Devices(container, sum) {
    var self = this;
    this.container = container;
    this.sum = sum;
    this.list = null;            // null: not known
    this.rows = new pages.Rows(container);
    this.ask = new pages.Ask('/api/notificaciones/estado', { conexiones: 'list' }, LEAST_MS, MOST_MS, function (answer) {
      self.list = devicesOf(answer.conexiones);
      self.show();
    });
    this.show();
  }

  var devices = Devices.prototype;

  devices.soon = function () { this.ask.soon(); };

  function seen(connection) {
    return clock.parse(connection.ultima_senal) || 0;
  }

  // A tab is one device, whatever ways it has come by: what is here, else what was here last.
  function devicesOf(connections) {
    var known = {}, list = [], i, connection, key, before;
    for (i = 0; i < connections.length; i++) {
      connection = connections[i];
      key = [connection.rol, connection.username, connection.cliente || connection.sid].join('/');
      before = known[key];
      if (!before || (connection.conectado && !before.conectado) ||
          (connection.conectado === before.conectado && seen(connection) > seen(before))) {
        known[key] = connection;
      }
    }
    for (key in known) {
      if (known.hasOwnProperty(key)) {
        known[key].key = key;
        list.push(known[key]);
      }
    }
    return list.sort(function (a, b) {
      return b.conectado - a.conectado || (a.username < b.username ? -1 : a.username > b.username ? 1 : 0) || seen(b) - seen(a);
    });
  }

  function ago(ms) {
    var seconds = Math.max(0, Math.floor(ms / 1000));
    return seconds < 60 ? fill(WORDS.seconds, { n: seconds }) : clock.minutes(ms);
  }

  function head(role, list) {
    var here = list.filter(function (device) { return device.conectado; }).length;
    return {
      key: role.rol,
      content: here + '/' + list.length,
      draw: function () {
        return dom.create('h3', 'device__group num', [
          dom.create('span', here < list.length ? 'device__sum is-late' : 'device__sum', fill(WORDS.ofAll, { here: here, all: list.length })),
          dom.text(role.title)
        ]);
      }
    };
  }

  function row(role, device) {
    return {
      key: device.key,
      content: JSON.stringify([device.conectado, device.transporte]),
      draw: function () {
        var node = dom.create('div', device.conectado ? 'device' : 'device device--gone', [
          dom.icon(role.icon),
          dom.create('span', 'device__name', [
            dom.text(device.username + ' '), dom.create('small', '', device.transporte === 'polling' ? WORDS.late3s : '')
          ]),
          dom.create('span', 'device__seen num', [
            dom.create('i', 'dot'), dom.text(device.conectado ? '' : WORDS.noSign), dom.create('span', 'device__age')
          ])
        ]);
        node.setAttribute('data-device', device.username);
        node.setAttribute('data-conectado', device.conectado ? 'true' : 'false');
        node.setAttribute('data-modo', device.transporte === 'polling' ? 'polling' : 'sse');
        return node;
      }
    };
  }

  devices.show = function () {
    var rows = [], i, list = this.list || [], here = 0;
    for (i = 0; i < list.length; i++) { here += list[i].conectado ? 1 : 0; }
    ROLES.forEach(function (role) {
      var of = list.filter(function (device) { return device.rol === role.rol; });
      if (of.length) {
        rows.push(head(role, of));
        of.forEach(function (device) { rows.push(row(role, device)); });
      }
    });
    this.rows.show(rows.length ? rows : [pages.Stock.none(pages.words.noData)]);
    dom.setText(this.sum, list.length ? fill(WORDS.onLine, { here: here, all: list.length }) : '');
    this.tick();
  };

  devices.tick = function () {
    var i, list = this.list || [], now = clock.now();
    for (i = 0; i < list.length; i++) {
      dom.setText(this.rows.node(list[i].key).querySelector('.device__age'), ago(now - seen(list[i])));
    }
  };

  pages.Devices = Devices;
}(window));
