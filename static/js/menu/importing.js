/* A file is looked at before anything of it is done: the service tells what it
   would change, and only "Aplicar" changes it, if it is still that. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var fill = pages.fill;
  var WORDS = pages.menuWords;
  var PATH = '/api/productos/importar';
  var WANTED = { nuevos: 'number', cambian: 'number', iguales: 'number', huella: 'string', cambios: 'list', errores: 'list' };
  var MOST_BYTES = 2097152;      // the service takes no more, and would hang up in the middle of 50 MB
  var PATIENCE_MS = 60000;
  var NUMBERS = ['nuevos', 'cambian', 'iguales', 'errores'];

  // acts: {applied(count), ended(): the session is over}
  function MenuImport(acts) {
    var self = this;
    this.acts = acts;
    this.changes = new pages.Changes(dom.byId('import-rows'), dom.byId('import-more'));
    this.request = null;
    this.discard();
    dom.byId('import-choose').onclick = function () { dom.byId('import-file').click(); };
    dom.byId('import-file').onchange = function () {
      var file = this.files && this.files[0];
      if (file) { self._choose(file); }
      this.value = '';           // the same file, corrected, may be chosen again
    };
    dom.byId('import-discard').onclick = function () { self.discard(); };
    dom.byId('import-apply').onclick = function () { self._go(); };
  }

  var importing = MenuImport.prototype;

  importing.discard = function () {
    if (this.request) { this.request.drop(); }
    this.request = null;
    this.name = '';
    this.bytes = null;
    this.answer = null;          // what the file would change
    this.isApplying = false;
    this.changes.clear();
    this._show('', '');
  };

  // Is there a file that somebody has not applied or discarded?
  importing.holds = function () { return this.bytes !== null; };

  importing._choose = function (file) {
    var self = this, reader;
    if (this.isApplying) { return; }
    this.discard();
    this.name = file.name;
    if (file.size > MOST_BYTES || !window.FileReader) {
      this._show('', fill(file.size > MOST_BYTES ? WORDS.tooLarge : WORDS.unreadable, { file: file.name }));
      return;
    }
    reader = new window.FileReader();
    reader.onload = function () {
      if (self.name !== file.name) { return; }   // another one has been chosen meanwhile
      self.bytes = reader.result;
      self._rehearse('');
    };
    reader.onerror = function () { self._show('', fill(WORDS.unreadable, { file: file.name })); };
    this._show(WORDS.reading, '');
    reader.readAsArrayBuffer(file);
  };

  // problem: what is said above the changes.
  importing._rehearse = function (problem) {
    var self = this;
    this.answer = null;
    this._show(WORDS.reading, problem);
    this._send('?ensayo=1', function (answer) {
      if (answer.status === 200) {
        self.answer = answer.body;
        self._show(WORDS.nothingYet, problem);
      } else {
        self._show('', answer.status === 0 || answer.status === 401 ? fill(WORDS.notAsked, { file: self.name }) : self._why(answer.body.error));
      }
    });
  };

  importing._why = function (error) {
    var campos = error.campos || {}, list = Object.keys(campos).map(function (name) { return campos[name]; });
    return fill(WORDS.refused, { file: this.name, why: list.join('; ') || error.mensaje || pages.words.notAccepted });
  };

  importing._send = function (query, onAnswer) {
    var self = this;
    this.request = pages.http.sendFile(PATH + query, this.bytes, WANTED, function (answer) {
      self.request = null;
      if (answer.status === 401) { self.acts.ended(); }
      onAnswer(answer);
    }, PATIENCE_MS);
  };

  importing._count = function () { return this.answer ? this.answer.nuevos + this.answer.cambian : 0; };

  // The button under the changes: what is known is applied, what is not is looked at again.
  importing._go = function () {
    var self = this, count = this._count();
    if (this.request || !this.bytes) { return; }
    if (!this.answer) {
      this._rehearse('');
      return;
    }
    this.isApplying = true;
    this._show(WORDS.applying, '');
    this._send('?huella=' + encodeURIComponent(this.answer.huella), function (answer) {
      self.isApplying = false;
      if (answer.status === 200) {
        self.discard();
        self.acts.applied(count);
      } else if (answer.status === 401) {
        self._show(WORDS.nothingYet, '');   // as it was, for who signs in again
      } else if (answer.status === 0) {
        self.answer = null;
        self._show('', WORDS.notKnown);
      } else {
        self._rehearse(answer.body.error.mensaje || pages.words.notAccepted);
      }
    });
  };

  // ---- drawing -------------------------------------------------------------------------

  function put(id, text) {
    dom.setText(dom.byId(id), text);
    dom.byId(id).hidden = !text;
  }

  // What is wrong is the file, and not a row of it.
  function isNoMenu(answer) {
    return answer.errores.some(function (error) { return error.fila === null; });
  }

  importing._showNumbers = function () {
    var answer = this.answer, box = dom.byId('import-nums');
    dom.empty(box);
    box.hidden = !answer || isNoMenu(answer);
    if (box.hidden) { return; }
    NUMBERS.forEach(function (name) {
      var n = name === 'errores' ? answer.errores.length : answer[name];
      if (name === 'errores' && !n) { return; }
      box.appendChild(dom.create('span', '', [dom.create('b', 'num', pages.wording.thousands(n)), dom.text(fill(WORDS.nums[name], { n: n }))]));
    });
  };

  // What stands under the name of the file: what to do, where there is nothing to apply.
  importing._advice = function () {
    var answer = this.answer;
    if (!answer) { return ''; }
    if (isNoMenu(answer)) { return WORDS.noMenuFile; }
    if (answer.errores.length) { return fill(WORDS.correct, { n: answer.errores.length }); }
    return this._count() ? '' : WORDS.nothingToDo;
  };

  // state: a sentence with the file's name, or ''. A file with errors is refused whole: it has no button.
  importing._show = function (state, problem) {
    var waits = state === WORDS.reading || state === WORDS.applying, applies = !!this.answer && !this.answer.errores.length && this._count() > 0;
    var button = dom.byId('import-apply');
    dom.byId('import-state').hidden = !state;
    dom.setText(dom.byId('import-name'), this.name);
    dom.setText(dom.byId('import-doing'), state);
    put('import-problem', problem);
    put('import-advice', this._advice());
    dom.byId('import-intro').hidden = !!this.name;
    dom.byId('import-download').hidden = !!this.name;
    dom.setText(dom.byId('import-choose-text'), this.name ? WORDS.chooseOther : WORDS.choose);
    this._showNumbers();
    if (this.answer) { this.changes.show(this.answer); } else { this.changes.clear(); }
    dom.byId('import-foot').hidden = !this.name;
    button.hidden = !(applies || (this.bytes && !this.answer));
    button.disabled = waits;
    dom.byId('import-discard').disabled = this.isApplying;
    dom.setText(button, this.answer ? fill(WORDS.apply, { n: this._count() }) : WORDS.review);
  };

  pages.MenuImport = MenuImport;
}(window));
