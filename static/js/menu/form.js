/* This is the form of one dish, new or known. It sends what somebody has
   changed and nothing else: orders go on taking from the stock meanwhile. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var fill = pages.fill;
  var WORDS = pages.menuWords;
  var FIELDS = pages.dishFields.LIST;
  var PATH = '/api/productos';
  var WANTED = { id: 'number', nombre: 'string', disponible: 'boolean' };

  // acts: {saved(product), closed(), ended(): the session is over, unsure(): it is not known what the service has}
  function DishForm(menu, acts) {
    var self = this;
    this.menu = menu;
    this.acts = acts;
    this.id = null;              // of the dish; null of a new one
    this.isOpen = false;
    this.known = {};             // the texts of the dish as the service has it
    this.busy = false;
    this.unsure = null;          // {name, ids}: a new dish whose answer was lost, and which dishes there were before
    dom.byId('dish').onsubmit = function () {
      self._submit();
      return false;
    };
    dom.byId('dish-discard').onclick = function () {
      if (!self.busy) { self._close(); }
    };
    FIELDS.forEach(function (field) {
      input(field.name).oninput = function () { self._wrong(field.name, ''); };
    });
  }

  var form = DishForm.prototype;

  function input(name) { return dom.byId('f-' + name); }

  function textsOf(product) {
    var texts = { oculto: product.oculto === true };
    FIELDS.forEach(function (field) { texts[field.name] = field.write(product[field.name]); });
    return texts;
  }

  function typed(name) { return name === 'oculto' ? input(name).checked : input(name).value.trim(); }

  function set(name, value) {
    if (name === 'oculto') { input(name).checked = value; } else if (input(name).value !== value) { input(name).value = value; }
  }

  // product: null for a new dish.
  form.open = function (product) {
    var self = this;
    this.id = product ? product.id : null;
    this.isOpen = true;
    this.unsure = null;
    this.known = textsOf(product || {});
    Object.keys(this.known).forEach(function (name) { set(name, self.known[name]); });
    this._clear();
    dom.setText(dom.byId('dish-title'), product ? product.nombre : WORDS.newDish);
    this._showButtons();
  };

  form._close = function () {
    this.isOpen = false;
    this.acts.closed();
  };

  // The names of what somebody has changed.
  form.changed = function () {
    var self = this;
    return this.isOpen ? Object.keys(this.known).filter(function (name) { return typed(name) !== self.known[name]; }) : [];
  };

  // The menu has been told anew: what nobody has touched here follows it.
  form.follow = function () {
    var self = this, product = this.id === null ? null : this.menu.byId[this.id], changed, known;
    this._fillCategories();
    if (!this.isOpen || this.busy) { return; }
    if (this.unsure) { this._lookFor(); }
    if (!product) { return; }
    changed = this.changed();
    known = textsOf(product);
    Object.keys(known).forEach(function (name) {
      if (changed.indexOf(name) < 0) { set(name, known[name]); }
    });
    self.known = known;
    dom.setText(dom.byId('dish-title'), product.nombre);
  };

  form._fillCategories = function () {
    var node = dom.byId('categories'), names = this.menu.products.map(function (product) { return product.categoria; });
    names = names.filter(function (name, place) { return name && names.indexOf(name) === place; });
    if (node.getAttribute('data-names') === names.join('\n')) { return; }
    node.setAttribute('data-names', names.join('\n'));
    dom.empty(node);
    names.forEach(function (name) {
      var option = dom.create('option');
      option.value = name;
      node.appendChild(option);
    });
  };

  // ---- what is wrong -----------------------------------------------------------------

  form._wrong = function (name, text) {
    var node = dom.byId('e-' + name), field = input(name);
    dom.setText(node, text);
    node.hidden = !text;
    field.className = field.className.replace(' is-wrong', '') + (text ? ' is-wrong' : '');
    field.setAttribute('aria-invalid', text ? 'true' : 'false');
  };

  form.fail = function (text) {
    dom.setText(dom.byId('dish-problem'), text);
    dom.byId('dish-problem').hidden = !text;
  };

  form._clear = function () {
    var self = this;
    FIELDS.forEach(function (field) { self._wrong(field.name, ''); });
    this.fail('');
  };

  // errors: {name: text}; the first field that is wrong gets the focus.
  form._tell = function (errors) {
    var self = this, first = FIELDS.filter(function (field) { return errors[field.name]; })[0];
    FIELDS.forEach(function (field) {
      if (errors[field.name]) { self._wrong(field.name, errors[field.name]); }
    });
    if (first) { input(first.name).focus(); }
  };

  // ---- reading -----------------------------------------------------------------------

  form._other = function (is) {
    var id = this.id;
    return this.menu.products.filter(function (product) { return product.id !== id && is(product); })[0] || null;
  };

  // A menu's file finds a dish by its POS's number, else by its name: two of one name, and without numbers, would be one to it.
  form._taken = function (name, value) {
    var same = this._other(function (product) {
      return name === 'nombre' ? product.nombre.toLowerCase() === value.toLowerCase() : name === 'id_pos' && product.id_pos === value;
    });
    if (!same || (name === 'nombre' && typed('id_pos') && typeof same.id_pos === 'number')) { return ''; }
    if (name === 'id_pos') { return fill(WORDS.codeTaken, { dish: same.nombre }); }
    return same.oculto ? WORDS.nameTakenHidden : WORDS.nameTaken;
  };

  // {values: of the changed fields, errors}
  form._read = function () {
    var self = this, changed = this.changed(), found = { values: {}, errors: {} };
    FIELDS.forEach(function (field) {
      var read, taken;
      if (self.id !== null && changed.indexOf(field.name) < 0) { return; }
      read = field.read(typed(field.name));
      taken = read.error || read.value === null ? '' : self._taken(field.name, read.value);
      if (read.error || taken) { found.errors[field.name] = read.error || taken; } else { found.values[field.name] = read.value; }
    });
    if (changed.indexOf('oculto') >= 0) { found.values.oculto = typed('oculto'); }
    return found;
  };

  // ---- sending -----------------------------------------------------------------------

  form._showButtons = function () {
    dom.byId('dish-save').disabled = this.busy;
    dom.setText(dom.byId('dish-save'), this.busy ? WORDS.saving : this.id === null ? WORDS.create : WORDS.save);
  };

  // What is not there (null) of a new dish need not be said.
  function withoutNothing(values) {
    var sent = {};
    Object.keys(values).forEach(function (name) {
      if (values[name] !== null) { sent[name] = values[name]; }
    });
    return sent;
  }

  // A second click finds it busy: one dish.
  form._submit = function () {
    var self = this, isNew = this.id === null, ids = this.menu.products.map(function (product) { return product.id; }), found;
    if (this.busy || !this.isOpen) { return; }
    this.unsure = null;
    this._clear();
    found = this._read();
    if (Object.keys(found.errors).length) {
      this._tell(found.errors);
      return;
    }
    if (!Object.keys(found.values).length) {
      this._close();
      return;
    }
    this.busy = true;
    this._showButtons();
    pages.http.send(isNew ? 'POST' : 'PATCH', isNew ? PATH : PATH + '/' + this.id, isNew ? withoutNothing(found.values) : found.values, WANTED, function (answer) {
      self.busy = false;
      if (isNew && answer.status === 0) { self.unsure = { name: found.values.nombre, ids: ids }; }
      self._answered(answer);
      self._showButtons();
    });
  };

  form._answered = function (answer) {
    if (answer.status === 200 || answer.status === 201) {
      this._close();
      this.acts.saved(answer.body);
    } else if (answer.status === 401) {
      this.acts.ended();
    } else if (answer.status === 0) {
      this.fail(WORDS.lost);
      this.acts.unsure();
    } else {
      this._refused(answer.body.error);
      this.acts.unsure();        // the menu is not what this page takes it for
    }
  };

  // campos: by field, in Spanish. What is wrong with none of ours is said below.
  form._refused = function (error) {
    var campos = error.campos || {}, errors = {}, rest = [];
    Object.keys(campos).forEach(function (name) {
      var text = campos[name].charAt(0).toUpperCase() + campos[name].slice(1);
      if (dom.byId('e-' + name)) { errors[name] = fill(WORDS.fieldSaid, { why: text.replace(/\.$/, '') }); } else { rest.push(text); }
    });
    this._tell(errors);
    if (!Object.keys(errors).length) { this.fail(fill(WORDS.notSaved, { why: rest.join('. ') || error.mensaje || pages.words.notAccepted })); }
  };

  // The lost answer of a new dish: the menu has it now, or it is still to be sent.
  form._lookFor = function () {
    var unsure = this.unsure, made = this.menu.products.filter(function (product) {
      return product.nombre === unsure.name && unsure.ids.indexOf(product.id) < 0;
    })[0];
    if (!made) { return; }
    this.unsure = null;
    this._close();
    this.acts.saved(made);
  };

  pages.DishForm = DishForm;
}(window));
