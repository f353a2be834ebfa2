/* These are the rows of what a file would change: a new dish, what changes of
   a known one, and what in the file is wrong. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var fill = pages.fill;
  var said = pages.dishFields.said;
  var WORDS = pages.menuWords;
  var SHOWN = 8;
  // In the order in which a change tells them; the name stands before them.
  var FIELDS = ['categoria', 'precio', 'stock_actual', 'stock_minimo', 'disponible', 'oculto', 'id_pos'];

  function Changes(container, more) {
    var self = this;
    this.rows = new pages.Rows(container);
    this.more = more;
    this.list = [];
    more.onclick = function () {
      self.rows.show(self.list);
      more.hidden = true;
    };
  }

  var changes = Changes.prototype;

  function row(key, className, chip, chipClass, what) {
    return {
      key: key,
      content: key,
      draw: function () {
        return dom.create('div', 'imp ' + className, [
          dom.create('span', 'chip chip--sq ' + chipClass, chip), dom.create('span', 'imp__what num', what)
        ]);
      }
    };
  }

  // fila is null where the whole file is at fault.
  function errorRow(error, place) {
    var why = error.mensaje.charAt(0).toUpperCase() + error.mensaje.slice(1);
    if (error.columna) { why = fill(WORDS.ofColumn, { column: error.columna, why: error.mensaje }); }
    return row('e' + place, 'imp--bad', error.fila === null ? WORDS.file : fill(WORDS.row, { row: error.fila }), 'chip--late', why);
  }

  // "Ponche · Bebidas · $2.00"
  function newRow(change) {
    var dish = change.producto, parts = [];
    if (dish.categoria) { parts.push(pages.isolate(dish.categoria)); }
    parts.push(said('precio', dish.precio));
    if (typeof dish.stock_actual === 'number') { parts.push(fill(pages.words.left, { n: dish.stock_actual, left: said('stock_actual', dish.stock_actual) })); }
    if (typeof dish.stock_minimo === 'number') { parts.push(fill(WORDS.minimum, { least: said('stock_minimo', dish.stock_minimo) })); }
    if (dish.disponible === false) { parts.push(pages.words.out); }
    if (dish.oculto) { parts.push(WORDS.hidden); }
    if (typeof dish.id_pos === 'number') { parts.push(fill(WORDS.code, { code: dish.id_pos })); }
    return row('c' + change.fila, '', WORDS.isNew, 'chip--ok', [dom.create('b', '', pages.isolate(dish.nombre)), dom.text(' · ' + parts.join(' · '))]);
  }

  // The old value struck, the new one bold; in words for who hears them.
  function turned(before, after) {
    return [
      dom.create('span', 'sr-only', WORDS.before), dom.create('s', '', pages.isolate(before)), dom.text(WORDS.to),
      dom.create('span', 'sr-only', WORDS.now), dom.create('b', '', pages.isolate(after))
    ];
  }

  function changeRow(change) {
    var dish = change.producto, old = change.antes, what;
    what = old.nombre === undefined ? [dom.create('b', '', pages.isolate(dish.nombre))] : turned(old.nombre, dish.nombre);
    FIELDS.filter(function (name) { return old[name] !== undefined; }).forEach(function (name, place) {
      what.push(dom.text((place || old.nombre !== undefined ? ' · ' : ' ') + WORDS.fields[name]));
      what = what.concat(turned(said(name, old[name]), said(name, dish[name])));
    });
    return row('c' + change.fila, '', WORDS.changes, 'chip--accent', what);
  }

  // What is wrong stands first: nothing goes on without it. Of many rows the first are shown, and how many more there are.
  changes.show = function (answer) {
    this.list = answer.errores.map(errorRow).concat(answer.cambios.map(function (change) {
      return change.tipo === 'nuevo' ? newRow(change) : changeRow(change);
    }));
    this.rows.show([]);          // rows are known by their place in the file: of another file they are others
    this.rows.show(this.list.length > SHOWN + 1 ? this.list.slice(0, SHOWN) : this.list);
    this.more.hidden = this.list.length <= SHOWN + 1;
    dom.setText(this.more, fill(WORDS.moreRows, { n: this.list.length - SHOWN }));
  };

  changes.clear = function () {
    this.list = [];
    this.rows.show([]);
    this.more.hidden = true;
  };

  pages.Changes = Changes;
}(window));
