/* This shows who is connected: a row for each role, which unfolds into one for
   each person. Red is who should be here and has gone; who has been gone for
   ten minutes is folded away. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var WORDS = pages.managerWords;
  var fill = pages.fill;
  var LEAST_MS = 1000;
  var MOST_MS = 4000;
  var FOLDED_MS = 600000;
  var WIDE_PX = 720;             // where rows are unfolded at first
  // room: of those who should be here. A manager comes and goes.
  var ROLES = [
    { rol: 'cocinero', room: 'cocina', icon: 'tablet' },
    { rol: 'mesero', room: 'meseros', icon: 'phone' },
    { rol: 'cajero', room: 'cajeros', icon: 'desk' },
    { rol: 'manager', room: null, icon: 'desk' }
  ];
  var GONE = 'gone';

  // me: {username, role} of who looks at the page, and so is here. isLost(room): the alarm says that it has no screen.
  function Devices(container, sum, me, isLost) {
    var self = this;
    this.rows = new pages.Rows(container);
    this.sum = sum;
    this.me = me;
    this.isLost = isLost;
    this.opened = {};            // by role: as somebody has left it
    this.people = [];
    this.loaded = false;
    this.ask = new pages.Ask('/api/notificaciones/estado', { conexiones: 'list' }, LEAST_MS, MOST_MS, function (answer) {
      self.people = peopleOf(answer.conexiones);
      self.loaded = true;
      self.show();
    });
    this.show();
  }

  var devices = Devices.prototype;

  devices.soon = function () { this.ask.soon(); };

  function seen(connection) {
    return clock.parseTold(connection.ultima_senal) || 0;
  }

  // [{rol, username, here: devices, slow, seen}]. A tab is one device, whatever ways it has come by.
  function peopleOf(connections) {
    var known = {}, list = [];
    connections.forEach(function (connection) {
      var key = connection.rol + '/' + connection.username, person = known['$' + key];
      if (!person) {
        person = known['$' + key] = { key: key, rol: connection.rol, username: connection.username, tabs: {}, live: false, seen: 0 };
        list.push(person);
      }
      if (connection.conectado) {
        person.tabs[connection.cliente || connection.sid] = true;
        person.live = person.live || connection.transporte !== 'polling';
      }
      person.seen = Math.max(person.seen, seen(connection));
    });
    list.forEach(function (person) { person.here = Object.keys(person.tabs).length; });
    return list.sort(function (a, b) {
      return (b.here > 0) - (a.here > 0) || (a.username < b.username ? -1 : a.username > b.username ? 1 : 0);
    });
  }

  devices._isMe = function (person) {
    return person.username === this.me.username && person.rol === this.me.role;
  };

  devices._isHere = function (person) { return person.here > 0 || this._isMe(person); };

  // Of who is not here: 'late' is missed, 'gone' is not any more.
  devices._isLate = function (role, person, now) {
    return !this._isHere(person) && role.room !== null && now - person.seen < FOLDED_MS;
  };

  devices._isOpen = function (key) {
    return this.opened[key] === undefined ? key !== GONE && window.innerWidth >= WIDE_PX : this.opened[key];
  };

  function ago(ms) {
    var seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 1) { return pages.words.now; }
    return seconds < 60 ? fill(WORDS.seconds, { n: seconds }) : clock.minutes(ms);
  }

  // A row that unfolds. parts: {icon, name, small, dot, end}
  devices._fold = function (key, className, parts) {
    var self = this, open = this._isOpen(key);
    return {
      key: key,
      content: JSON.stringify([className, parts, open]),
      draw: function () {
        var node = dom.button('fold ' + className, [
          parts.icon ? dom.icon(parts.icon) : null,
          dom.create('span', 'fold__name grow', [dom.text(parts.name), parts.small ? dom.create('small', '', [
            dom.create('span', '', parts.small), dom.create('span', 'device__age num')
          ]) : null]),
          dom.create('span', 'fold__end num', [
            parts.dot ? dom.create('i', 'dot ' + parts.dot) : null, dom.text(parts.end)
          ]),
          dom.icon(open ? 'up' : 'down', 'icon--s')
        ], function () {
          self.opened[key] = !open;
          self.show();
        });
        node.setAttribute('aria-expanded', open ? 'true' : 'false');
        node.setAttribute('data-devices', key);
        return node;
      }
    };
  };

  function smallOf(role, person, late) {
    if (late) { return WORDS.tellInPerson; }
    if (person.here > 1) { return fill(WORDS.many[role.rol], { n: person.here }); }
    return person.here && !person.live ? WORDS.delayed : '';
  }

  devices._person = function (role, person, late) {
    var here = this._isHere(person), small = smallOf(role, person, late), dot = !here ? '' : person.here && !person.live ? 'dot--warn' : 'dot--on';
    return {
      key: person.key,
      content: JSON.stringify([here, late, small, dot]),
      draw: function () {
        var node = dom.create('div', 'fold fold--in' + (late ? ' fold--late' : ''), [
          dom.create('span', 'fold__name grow', [dom.create('bdi', '', person.username), small ? dom.create('small', '', small) : null]),
          dom.create('span', 'fold__end num', [
            dot ? dom.create('i', 'dot ' + dot) : null, dom.text(here ? '' : WORDS.noSign), dom.create('span', 'device__age')
          ])
        ]);
        node.setAttribute('data-device', person.username);
        node.setAttribute('data-conectado', here ? 'true' : 'false');
        node.setAttribute('data-modo', person.here && !person.live ? 'polling' : 'sse');
        return node;
      }
    };
  };

  // The row of a role: how many are here of those who should be.
  devices._head = function (role, here, late) {
    var lost = role.room !== null && this.isLost(role.room) && !here.length, all = here.length + late.length;
    var words = !this.loaded ? pages.words.noData : role.room === null || !all ? WORDS.here : late.length ? WORDS.ofAll : WORDS.onLine;
    var red = late.length > 0 || lost;
    if (this.loaded && !here.length && !late.length) { words = WORDS.nobody; }
    return this._fold(role.rol, red ? 'fold--late' : '', {
      icon: role.icon, name: WORDS.roles[role.rol],
      small: late.length && !this._isOpen(role.rol) ? fill(WORDS.noSignOf, { who: late[0].username }) : '',
      dot: red ? 'dot--late' : here.length ? 'dot--on' : 'dot--off', end: fill(words, { here: here.length, all: all, n: here.length })
    });
  };

  devices._rowsOf = function (role, now, gone) {
    var self = this, here = [], late = [], rows;
    this.people.forEach(function (person) {
      if (person.rol !== role.rol) { return; }
      if (self._isHere(person)) {
        here.push(person);
      } else if (self._isLate(role, person, now)) {
        late.push(person);
      } else {
        gone.push(person);
      }
    });
    rows = [this._head(role, here, late)];
    this.aged[role.rol] = late[0];
    if (this._isOpen(role.rol)) {
      late.concat(here).forEach(function (person) {
        rows.push(self._person(role, person, late.indexOf(person) >= 0));
        self.aged[person.key] = person;
      });
    }
    return { rows: rows, here: here.length, all: here.length + late.length, counts: role.room !== null };
  };

  devices.show = function () {
    var self = this, now = clock.now(), rows = [], gone = [], here = 0, all = 0, last;
    this.aged = {};              // by row: whose age stands in it
    ROLES.forEach(function (role) {
      var found = self._rowsOf(role, now, gone);
      rows = rows.concat(found.rows);
      if (found.counts) {
        here += found.here;
        all += found.all;
      }
    });
    if (gone.length) {
      last = gone.reduce(function (first, person) { return Math.min(first, person.seen); }, Infinity);
      rows.push(this._fold(GONE, 'fold--quiet', {
        name: fill(WORDS.gone, { n: gone.length }), end: fill(WORDS.goneSince, { time: clock.at(last) })
      }));
      if (this._isOpen(GONE)) {
        gone.forEach(function (person) {
          rows.push(self._person({ rol: person.rol }, person, false));
          self.aged[person.key] = person;
        });
      }
    }
    this.rows.show(rows);
    dom.setText(this.sum, all ? fill(WORDS.onLine, { here: here, all: all }) : '');
    this._tellAges(now);
  };

  devices._tellAges = function (now) {
    var key, node;
    for (key in this.aged) {
      node = this.aged[key] && this.rows.node(key).querySelector('.device__age');
      if (node) { dom.setText(node, ago(this.aged[key].here || !this._isMe(this.aged[key]) ? now - this.aged[key].seen : 0)); }
    }
  };

  // Who has been gone for ten minutes by now is folded.
  devices.tick = function () { this.show(); };

  pages.Devices = Devices;
}(window));
