/* These are the log's filters: four in sight, the others folded, periods and
   subjects at a touch. What is folded and narrows the table is told in sight,
   and taken away there. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var clock = pages.clock;
  var document = window.document;
  var DAY_MS = 24 * 3600000;
  var PERIOD = ['dia', 'desde', 'hasta'];
  var fill = pages.fill;
  var WORDS = pages.logWords;

  // onChange(): another table is asked for.
  function Filters(form, onChange) {
    var self = this;
    this.form = form;
    this.onChange = onChange;
    this.open = false;
    this.number = { id: '', text: '' };   // of the one order that the table shows
    this.chips = new pages.Rows(dom.byId('chips'));
    form.addEventListener('change', function (event) {
      self._changed(event.target);
      onChange();
    });
    form.addEventListener('input', function () { self._sayDates(); });
    form.addEventListener('click', function (event) { self._touched(event.target); });
    dom.byId('more-button').onclick = function () {
      self.open = !self.open;
      self._showFold();
    };
  }

  var filters = Filters.prototype;

  filters._fields = function () {
    return Array.prototype.filter.call(this.form.elements, function (input) { return input.name; });
  };

  filters.input = function (name) { return this.form.elements[name]; };

  filters.query = function () {
    return this._fields().filter(function (input) { return input.value; }).map(function (input) {
      return input.name + '=' + encodeURIComponent(input.value);
    }).join('&');
  };

  filters.set = function (values) {
    this._fields().forEach(function (input) {
      if (values.hasOwnProperty(input.name)) { input.value = values[input.name]; }
    });
  };

  // A business day and a period do not go together.
  filters._changed = function (input) {
    if (input.name === 'dia' && input.value) { this.set({ desde: '', hasta: '' }); }
    if ((input.name === 'desde' || input.name === 'hasta') && input.value) { this.set({ dia: '' }); }
  };

  filters._touched = function (button) {
    var preset = button.getAttribute('data-preset'), subject = button.getAttribute('data-asunto');
    if (preset) { this.set(period(preset)); }
    if (subject) { this.set({ asunto: this.input('asunto').value === subject ? '' : subject }); }
    if (preset || subject) { this.onChange(); }
  };

  // ---- periods -------------------------------------------------------------------

  function dayBefore(day, count) {
    return new Date(Date.parse(day + 'T00:00:00Z') - count * DAY_MS).toISOString().slice(0, 10);
  }

  function period(name) {
    var today = clock.businessDay(), values = { dia: '', desde: '', hasta: '' };
    if (name === 'hoy') { values.dia = today; }
    if (name === 'ayer') { values.dia = dayBefore(today, 1); }
    if (name === 'semana') { values.desde = dayBefore(today, 6); }
    if (name === 'mes') { values.desde = today.slice(0, 8) + '01'; }
    return values;
  }

  // "martes 24 de noviembre", with its year where that is not this one; '' of no date.
  function dateWords(text) {
    var words;
    if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || isNaN(Date.parse(text + 'T00:00:00Z'))) { return ''; }
    words = clock.dayName(text) + (text.slice(0, 4) === clock.businessDay().slice(0, 4) ? '' : fill(WORDS.ofYear, { year: text.slice(0, 4) }));
    return words.charAt(0).toLowerCase() + words.slice(1);
  }

  filters.fromAddress = function () {
    var values = {}, sent = window.location.search.slice(1);
    if (!sent) {
      this.set(period('hoy'));
      return;
    }
    sent.split('&').forEach(function (pair) {
      var parts = pair.split('=');
      try { values[parts[0]] = decodeURIComponent((parts[1] || '').replace(/\+/g, ' ')); } catch (ignore) { /* not ours */ }
    });
    this.set(values);
  };

  // ---- drawing -------------------------------------------------------------------

  function press(button, is) {
    button.className = 'btn btn--secondary btn--touch' + (is ? ' is-on' : '');
    button.setAttribute('aria-pressed', is ? 'true' : 'false');
  }

  filters._showQuick = function () {
    var self = this;
    Array.prototype.forEach.call(document.querySelectorAll('[data-preset]'), function (button) {
      var values = period(button.getAttribute('data-preset'));
      press(button, PERIOD.every(function (name) { return self.input(name).value === values[name]; }));
    });
    Array.prototype.forEach.call(document.querySelectorAll('[data-asunto]'), function (button) {
      press(button, self.input('asunto').value === button.getAttribute('data-asunto'));
    });
  };

  filters._sayDates = function () {
    var self = this;
    PERIOD.forEach(function (name) { dom.setText(dom.byId('said-' + name), dateWords(self.input(name).value)); });
  };

  filters._isFolded = function (input) {
    return dom.byId('more-filters').contains(input);
  };

  filters._showFold = function () {
    var self = this, button = dom.byId('more-button'), active = this._fields().filter(function (input) {
      return input.value && self._isFolded(input);
    }).length;
    dom.byId('more-filters').hidden = !this.open;
    button.setAttribute('aria-expanded', this.open ? 'true' : 'false');
    dom.setText(button, (this.open ? WORDS.fewer : WORDS.more) + (active ? ' (' + active + ')' : ''));
  };

  // "Mesero: Karla": what the label says, and what is chosen.
  filters._told = function (input) {
    var value = input.options ? input.options[input.selectedIndex].textContent : dateWords(input.value) || input.value;
    if (input.name === 'pedido_id' && this.number.id === value) { return fill(WORDS.onlyOrder, { number: '#' + this.number.text }); }
    return this.label(input.name) + ': ' + value;
  };

  filters.label = function (name) {
    var node = this.form.querySelector('label[for="f-' + name + '"]');
    return node ? node.textContent : name;
  };

  filters._chip = function (input) {
    var self = this, text = this._told(input), values = {};
    values[input.name] = '';
    return {
      key: input.name,
      content: text,
      draw: function () {
        var node = dom.button('btn btn--secondary btn--touch log__chip', [dom.text(text), dom.icon('cross', 'icon--s')], function () {
          self.set(values);
          self.onChange();
        });
        node.setAttribute('aria-label', fill(WORDS.removeFilter, { filter: text }));
        return node;
      }
    };
  };

  // numbers: of the events in the table's first page; null while they are asked for. A chip that says the same stays, under
  // whose finger it may be.
  filters.show = function (numbers) {
    var self = this, id = this.input('pedido_id').value;
    if (id && numbers && numbers.length) { this.number = { id: id, text: numbers[0] }; }
    this._showQuick();
    this._sayDates();
    this._showFold();
    this.chips.show(this._fields().filter(function (input) {
      return input.value && self._isFolded(input);
    }).map(function (input) { return self._chip(input); }));
  };

  filters.markRight = function () {
    this._fields().forEach(function (input) { input.className = input.className.replace(' is-wrong', ''); });
  };

  // campos: what is wrong with each field. As people read it.
  filters.markWrong = function (campos) {
    var self = this;
    return Object.keys(campos || {}).map(function (name) {
      var input = self.input(name);
      if (input) {
        input.className += ' is-wrong';
        if (self._isFolded(input)) { self.open = true; }
      }
      return self.label(name) + ': ' + campos[name];
    }).join('. ');
  };

  Filters.dateWords = dateWords;
  pages.LogFilters = Filters;
}(window));
