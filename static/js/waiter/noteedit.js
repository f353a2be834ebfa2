/* Here the waiter writes a note by touching words: on top stands how the
   kitchen will read it. What is picked is kept at once, whichever way the page
   is left. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.waiterWords;
  var noteText = pages.noteText;
  var LONGEST = 200;

  function NoteEdit() {
    var self = this, other = dom.byId('note-other');
    this.target = null;
    this.sentences = [];
    this.kind = '';              // whose words are shown
    this.kinds = new pages.Rows(dom.byId('note-kinds'));
    this.words = new pages.Rows(dom.byId('note-words'));
    this.list = new pages.Rows(dom.byId('note-list'));
    this.says = new pages.Rows(dom.byId('note-says'));
    other.oninput = function () { self._write(); };
    dom.byId('note-form').onsubmit = function () {
      if (other.value.trim()) { self._commit(); } else { self.target.done(); }
      return false;
    };
    dom.byId('note-accept').onclick = function () {
      self._commit();
      self.target.done();
    };
    dom.byId('note-clear').onclick = function () {
      other.value = '';
      self._take([]);
    };
  }

  var edit = NoteEdit.prototype;

  // target: {title, aside, quantity (0: the whole order's note), text, set(text), done()}
  edit.open = function (target) {
    this.target = target;
    this.sentences = noteText.parse(target.text);
    this.before = noteText.compose(this.sentences);
    this.longest = Math.max(LONGEST, this.before.length);
    this.kind = '';
    dom.byId('note-other').value = '';
    this._show();
  };

  edit.close = function () {
    if (this.target) { this._commit(); }
    this.target = null;
  };

  edit._whole = function () {
    return noteText.written(this.sentences, this.kind, dom.byId('note-other').value.trim());
  };

  // A note that only was looked at stays as it was written.
  edit._text = function (sentences) {
    var text = noteText.compose(sentences);
    return text === this.before ? this.target.text : text;
  };

  edit._fits = function (sentences) { return noteText.compose(sentences).length <= this.longest; };

  // What is too long stays as it was, and is said.
  edit._take = function (sentences) {
    var fits = this._fits(sentences);
    if (fits) { this.sentences = sentences; }
    this._keep(!fits);
  };

  edit._write = function () {
    var other = dom.byId('note-other'), full = false;
    while (other.value && !this._fits(this._whole())) {
      other.value = other.value.slice(0, -1);
      full = true;
    }
    this._keep(full);
  };

  edit._commit = function () {
    this.sentences = this._whole();
    dom.byId('note-other').value = '';
    this._keep(false);
  };

  edit._keep = function (full) {
    this.target.set(this._text(this._whole()));
    dom.setText(dom.byId('note-full'), full ? WORDS.noteFull : '');
    this._show();
  };

  // ---- drawing -------------------------------------------------------------------

  edit._show = function () {
    var self = this, whole = this._whole(), text = this._text(whole), what;
    dom.setText(dom.byId('note-title'), this.target.title);
    dom.setText(dom.byId('note-aside'), this.target.aside);
    this.says.show([{ key: 'says', content: JSON.stringify([this.target.title, this.target.quantity, text]), draw: function () {
      return self._plates(text);
    } }]);
    this.kinds.show(noteText.NAMES.map(function (name) { return self._kindChip(name, noteText.wordsOf(whole, name).length); }));
    this.words.show(this.kind ? noteText.offered(whole, this.kind).map(function (word) {
      return self._wordChip(word, noteText.has(noteText.wordsOf(whole, self.kind), word));
    }) : []);
    dom.setText(dom.byId('note-kind'), this.kind ? pages.fill(WORDS.noteKind, { kind: this.kind }) : '');
    dom.byId('note-pick').hidden = !this.kind;
    what = this.kind ? WORDS.noteOther : WORDS.noteOwn;
    dom.byId('note-other').setAttribute('placeholder', what);
    dom.setText(dom.byId('note-other-label'), this.kind ? pages.fill(WORDS.noteOtherOf, { kind: this.kind }) : WORDS.noteOwnLabel);
    this.list.show(this.sentences.map(function (one, index) { return self._sentence(one, index); }));
    dom.byId('note-section').hidden = !this.sentences.length;
  };

  edit._plates = function (text) {
    var node = dom.create('div', '', [this.target.quantity ? dom.create('p', 'says__line num', [
      dom.create('b', '', this.target.quantity + '×'), dom.text(this.target.title)
    ]) : null]), plates = dom.create('div', 'says__plates');
    pages.plates.add(plates, text);
    if (!plates.firstChild) { plates.appendChild(dom.create('span', 'says__h', WORDS.noNote)); }
    node.appendChild(plates);
    return node;
  };

  function chip(className, on, content, onTap) {
    var node = dom.button(className + (on ? ' is-on' : ''), content, onTap);
    node.setAttribute('aria-pressed', on ? 'true' : 'false');
    return node;
  }

  edit._kindChip = function (name, count) {
    var self = this, on = this.kind === name;
    return { key: name, content: JSON.stringify([on, count]), draw: function () {
      return chip('kind', on, [
        name === pages.noteText.ALLERGY ? dom.icon('warning') : null, dom.text(name), count ? dom.create('span', 'num', String(count)) : null
      ], function () {
        self._commit();          // it was of the kind before
        self.kind = on ? '' : name;
        self._show();
      });
    } };
  };

  edit._wordChip = function (word, on) {
    var self = this, kind = this.kind;
    return { key: kind + word, content: String(on), draw: function () {
      return chip('kind kind--pick', on, [on ? dom.icon('check') : null, dom.text(word)], function () {
        self._commit();
        self._take(noteText.toggled(self.sentences, kind, word));
      });
    } };
  };

  edit._sentence = function (one, index) {
    var self = this;
    return { key: index, content: one.text, draw: function () {
      var remove = dom.button('x', [dom.icon('cross')], function () {
        self._take(self.sentences.filter(function (other, place) { return place !== index; }));
      });
      remove.setAttribute('aria-label', pages.fill(WORDS.takeSentence, { text: one.text }));
      return dom.create('p', 'list__row list__row--x', [dom.create('span', 'grow', one.text), remove]);
    } };
  };

  pages.NoteEdit = NoteEdit;
}(window));
