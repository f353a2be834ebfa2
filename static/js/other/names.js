/* Who signs in touches the own name, then gives the PIN. The names are those
   who have signed in on this device, or everybody where the restaurant wants
   that; where there is none, and for who is not there, one writes it. The
   browser's way back leads from one to the other. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var PATH = '/api/auth/personas';
  var PIN = '#pin';
  var WRITE = '#usuario';

  // onEntered(answer): somebody has signed in. onWrite(username): the form is shown, for that name or ''.
  function Names(elements, onEntered, onWrite) {
    var self = this;
    this.list = elements.list;
    this.panel = elements.panel;
    this.onWrite = onWrite;
    this.people = pages.people.known();
    this.chosen = null;
    this.view = '';              // 'nombres', 'pin' or 'usuario'
    this.pad = new pages.PinPad(elements.pad, { onEntered: onEntered, onOther: function () { self._go(''); } });
    elements.letters.onclick = function () { self._go(WRITE); };
    elements.back.onclick = function () { self._go(''); };
    elements.form.onclick = function () {
      self.chosen = null;
      self._go('');
    };
    this.form = elements.form;
  }

  var names = Names.prototype;

  names.begin = function () {
    var self = this;
    this._draw();
    if (document.body.getAttribute('data-login-names') === 'true') { this._load(); }
    window.onhashchange = function () { self._show(); };
    if (window.location.hash) { window.location.replace('#'); }   // of a page that was loaded anew nobody is chosen
    this._show();
  };

  names._load = function () {
    var self = this;
    pages.http.get(PATH, 'list', function (answer) {
      if (answer.status !== 200) { return; }
      self.people = pages.people.sorted(answer.body);
      self._draw();
      self._show();
    });
  };

  // ---- which is shown ----------------------------------------------------------------

  names._go = function (hash) {
    if (hash || window.location.hash.length > 1) { window.location.hash = hash; }
    this._show();
  };

  names._show = function () {
    var hash = window.location.hash, view = 'nombres';
    if (!this.people.length || hash === WRITE) { view = 'usuario'; }
    if (hash === PIN && this.chosen) { view = 'pin'; }
    if (view === 'nombres') { this.chosen = null; }
    this.form.hidden = !this.people.length;
    if (this.view === view) { return; }
    this.view = view;
    document.body.setAttribute('data-vista', view);
    this._mark();
    this.pad.close();
    if (view === 'pin') {
      this.pad.open(this.chosen);
      this.panel.focus();
    } else if (view === 'usuario') {
      this.onWrite(this.chosen ? this.chosen.username : '');
    }
  };

  names._choose = function (person) {
    var wasOpen = this.chosen !== null;
    this.chosen = person;
    this._mark();
    if (wasOpen) {
      this.pad.open(person);
      this.panel.focus();
    }
    this._go(PIN);
  };

  // ---- drawing -----------------------------------------------------------------------

  names._mark = function () {
    var nodes = this.list.querySelectorAll('.person'), i, is;
    for (i = 0; i < nodes.length; i++) {
      is = this.chosen !== null && nodes[i].getAttribute('data-username') === this.chosen.username;
      nodes[i].className = nodes[i].className.replace(' is-on', '') + (is ? ' is-on' : '');
    }
  };

  function card(className, face, name, text, onTap) {
    return dom.button(className, [
      dom.create('span', 'person__face', [face]),
      dom.create('span', 'person__name', [dom.create('b', '', name), dom.create('small', '', text)])
    ], onTap);
  }

  names._draw = function () {
    var self = this;
    dom.empty(this.list);
    this.people.forEach(function (person) {
      var face = dom.text(person.username.charAt(0).toUpperCase());
      var node = card('person', face, person.username, pages.people.place(person.rol), function () { self._choose(person); });
      node.setAttribute('data-username', person.username);
      self.list.appendChild(node);
    });
    this.list.appendChild(card('person person--all', dom.icon('pencil'), pages.words.otherPerson, pages.loginWords.writeName, function () {
      self.chosen = null;
      self._go(WRITE);
    }));
    this._mark();
  };

  pages.Names = Names;
}(window));
