/* This asks one person for the PIN, by keys as large as those of a till; a
   keyboard works too, also for a password of letters. It signs in, and says what
   was wrong: how many tries are left, or how long to wait. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var PATH = '/api/auth/login';
  var DIGITS = 4;                // of a PIN, as many circles are there from the start
  var MOST = 100;
  var KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', 'erase', '0', 'enter'];
  var WAIT_S = 60;               // where the service does not say for how long
  var WORDS = pages.words;

  // options: onEntered(answer), with {usuario_id, username, rol, expira}; onOther(): somebody else.
  function PinPad(box, options) {
    this.box = box;
    this.options = options;
    this.person = null;          // {username, rol}; null while it is closed
    this.typed = '';
    this.busy = false;
    this.locks = {};             // by name: until when the service takes no PIN
    this.timer = null;
    this._build();
    this._listen();
  }

  var pad = PinPad.prototype;

  pad._build = function () {
    var self = this, node;
    this.face = dom.create('span', 'person__face');
    this.face.setAttribute('aria-hidden', 'true');
    this.name = dom.create('h2', 'pin__name');
    this.note = dom.create('p', 'pin__note');
    this.circles = dom.create('div', 'pins');
    this.circles.setAttribute('role', 'img');
    this.said = dom.create('p', 'pinmsg');
    this.said.setAttribute('role', 'alert');
    this.keys = {};
    node = dom.create('div', 'pad', KEYS.map(function (key) { return self._key(key); }));
    this.pad = node;
    this.box.appendChild(dom.create('div', 'pin__who', [this.face, this.name, this.note, this.circles, this.said]));
    this.box.appendChild(dom.create('div', 'pin__keys', [
      node, dom.button('enter__link', WORDS.otherPerson, function () { self.options.onOther(); })
    ]));
  };

  pad._key = function (key) {
    var self = this, node;
    if (key === 'erase') {
      node = dom.button('pad__key pad__key--s', [dom.icon('erase', 'icon--l')], function () { self.erase(); });
      node.setAttribute('aria-label', WORDS.erase);
    } else if (key === 'enter') {
      node = dom.button('pad__key pad__key--go', WORDS.enter, function () { self.enter(); });
    } else {
      node = dom.button('pad__key num', key, function () { self.type(key); });
    }
    node.setAttribute('data-key', key);
    this.keys[key] = node;
    return node;
  };

  // ---- what is typed ---------------------------------------------------------------

  // Nothing of it reaches the page below.
  pad._listen = function () {
    var self = this;
    document.addEventListener('keydown', function (event) {
      var key = event.key, inside = self.box.contains(event.target);
      if (!self.person || event.ctrlKey || event.altKey || event.metaKey) { return; }
      if (!inside && event.target !== document.body && event.target !== self.box.parentNode) { return; }
      event.stopPropagation();
      if (key === 'Backspace') {
        self.erase();
      } else if (key === 'Enter' && !/enter__link/.test(event.target.className)) {
        self.enter();
      } else if (key && key.length === 1 && key !== ' ') {
        self.type(key);
      } else {
        return;
      }
      event.preventDefault();
    }, true);
  };

  pad.type = function (character) {
    if (this.busy || this._waitMs() > 0 || this.typed.length >= MOST) { return; }
    this.typed += character;
    this._say('', false);
  };

  pad.erase = function () {
    if (this.busy) { return; }
    this.typed = this.typed.slice(0, -1);
    this._draw();
  };

  // ---- opening, closing ------------------------------------------------------------

  // note: a line below the name, or nothing.
  pad.open = function (person, note) {
    var self = this;
    this.person = person;
    this.typed = '';
    dom.setText(this.face, person.username.charAt(0).toUpperCase());
    dom.setText(this.name, person.username);
    this.tell(note || '');
    window.clearInterval(this.timer);
    this.timer = window.setInterval(function () { self._tick(); }, 500);
    this._say('', false);
  };

  pad.tell = function (note) {
    dom.setText(this.note, note);
    this.note.hidden = !note;
  };

  pad.close = function () {
    this.person = null;
    this.typed = '';
    window.clearInterval(this.timer);
  };

  // ---- signing in --------------------------------------------------------------------

  pad.enter = function () {
    var self = this, person = this.person;
    if (this.busy || !this.typed || this._waitMs() > 0) { return; }
    this.busy = true;
    this._draw();
    pages.http.send('POST', PATH, { username: person.username, password: this.typed }, { rol: 'string' }, function (answer) {
      self.busy = false;
      if (answer.status === 200) {
        pages.people.remember(answer.body);
        self.options.onEntered(answer.body);
      } else if (self.person === person) {
        self._refused(answer);
      }
    });
  };

  pad._refused = function (answer) {
    var error = answer.body.error || {}, left = error.intentos_restantes;
    if (answer.status === 0) {
      this._say(WORDS.signInLater, true);
      return;
    }
    this.typed = '';
    if (answer.status === 429 || left === 0) {
      this.locks[this.person.username] = new Date().getTime() + (answer.retryAfter || WAIT_S) * 1000;
      this._draw();
    } else if (answer.status === 401) {
      this._say(pages.fill(WORDS.wrongPin, { name: this.person.username }) + triesLeft(left), true);
    } else {
      this._say(error.mensaje, true);
    }
  };

  // On a line of its own; '' where the service has not said.
  function triesLeft(left) {
    if (!left) { return ''; }
    return '\n' + pages.fill(WORDS.triesLeft, { n: left });
  }

  pad._waitMs = function () {
    return Math.max(0, (this.locks[this.person.username] || 0) - new Date().getTime());
  };

  // ---- drawing -----------------------------------------------------------------------

  pad._say = function (text, wrong) {
    this.text = text;
    this.wrong = wrong;
    this._draw();
  };

  pad._tick = function () {
    if (this.wasLocked) { this._draw(); }
  };

  pad._draw = function () {
    var waitMs = this._waitMs(), locked = waitMs > 0, key;
    if (locked) {
      this._show(WORDS.locked, pages.clock.minutes(Math.ceil(waitMs / 1000) * 1000), WORDS.lockedWhy);
    } else {
      if (this.wasLocked) { this.text = ''; }
      this._show('', '', this.text || '');
    }
    this.wasLocked = locked;
    this.said.className = locked || this.wrong ? 'pinmsg pinmsg--late' : 'pinmsg';
    this.pad.className = locked ? 'pad is-locked' : 'pad';
    for (key in this.keys) {
      if (this.keys.hasOwnProperty(key)) { this.keys[key].disabled = locked || this.busy; }
    }
    dom.empty(this.keys.enter);
    this.keys.enter.appendChild(locked ? dom.icon('lock') : dom.text(this.busy ? WORDS.entering : WORDS.enter));
    this._drawCircles(locked);
  };

  // The seconds are not read aloud one by one.
  pad._show = function (head, time, text) {
    var content = head + '/' + text, lines;
    if (this.shown !== content) {
      this.shown = content;
      this.time = dom.create('span', 'num', time);
      this.time.setAttribute('aria-hidden', 'true');
      dom.empty(this.said);
      if (head) { this.said.appendChild(dom.create('b', '', [dom.text(head), this.time])); }
      for (lines = text.split('\n'); lines.length; lines.shift()) {
        this.said.appendChild(dom.create('span', 'pinmsg__line', lines[0]));
      }
    }
    dom.setText(this.time, time);
  };

  pad._drawCircles = function (locked) {
    var count = Math.max(DIGITS, this.typed.length), i;
    this.circles.className = this.wrong && !this.typed && !locked ? 'pins pins--wrong' : 'pins';
    this.circles.setAttribute('aria-label', pages.fill(WORDS.typedOf, { n: this.typed.length, all: count }));
    while (this.circles.childNodes.length > count) { this.circles.removeChild(this.circles.lastChild); }
    while (this.circles.childNodes.length < count) { this.circles.appendChild(dom.create('i', '')); }
    for (i = 0; i < count; i++) { this.circles.childNodes[i].className = i < this.typed.length ? 'is-on' : ''; }
  };

  PinPad.triesLeft = triesLeft;
  pages.PinPad = PinPad;
}(window));
