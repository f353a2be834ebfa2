/* These are a business day's figures as the service counts them, in three
   charts and a list of dishes. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var wording = pages.wording;
  var clock = pages.clock;
  var WORDS = pages.managerWords;
  var fill = pages.fill;
  var PATH = '/api/cifras';
  var WANTED = {
    abiertos: 'object', espera: 'object', cocina: 'object', recogida: 'object', en_total: 'object', tarde: 'object',
    por_hora: 'list', productos: 'list'
  };
  var LEAST_MS = 3000;
  var MOST_MS = 30000;           // an order becomes late without an event
  var DAY_MS = 86400000;
  var STARTS = window.document.body.getAttribute('data-kitchen-start') !== 'false';
  var SHOWN = 8;                 // dishes, until the list is opened

  // onAnswer(): there are new ones.
  function Figures(onAnswer) {
    var self = this;
    this.onAnswer = onAnswer;
    this.answer = null;
    this.day = '';               // '' is today, whatever day that comes to be
    this.drawn = '';             // what the charts show
    this.allDishes = false;
    this.dishes = new pages.Rows(dom.byId('dishes'));
    this.perHour = card(dom.byId('per-hour'), WORDS.perHour);
    this.times = card(dom.byId('times'), WORDS.times);
    this.late = card(dom.byId('late'), WORDS.latePerHour);
    legend(this.times.title);
    this.ask = new pages.Ask(PATH, WANTED, LEAST_MS, MOST_MS, function (answer) { self._take(answer); });
    dom.byId('day-before').onclick = function () { self._go(-1); };
    dom.byId('day-after').onclick = function () { self._go(1); };
    dom.byId('dishes-more').onclick = function () {
      self.allDishes = !self.allDishes;
      self._showDishes();
    };
    this._show();
  }

  var figures = Figures.prototype;

  function card(node, title) {
    var parts = {
      title: dom.create('h3', 'stat__title', title), value: dom.create('b', 'stat__number'),
      text: dom.create('small', ''), chart: dom.create('div', 'stat__chart')
    };
    node.appendChild(parts.title);
    node.appendChild(dom.create('p', 'stat__value num', [parts.value, parts.text]));
    node.appendChild(parts.chart);
    return parts;
  }

  function legend(title) {
    var dot = dom.svg('svg', { 'class': 'legend', width: 12, height: 12, 'aria-hidden': 'true' });
    var mark = dom.svg('svg', { 'class': 'legend', width: 6, height: 14, 'aria-hidden': 'true' });
    dot.appendChild(dom.svg('circle', { 'class': 'chart__dot', cx: 6, cy: 6, r: 5 }));
    mark.appendChild(dom.svg('rect', { 'class': 'chart__mark', x: 1, y: 0, width: 4, height: 14 }));
    title.appendChild(dot);
    title.appendChild(dom.text(WORDS.usual));
    title.appendChild(mark);
    title.appendChild(dom.text(WORDS.most));
  }

  // A day that has ended stays as it is.
  figures.soon = function () {
    if (!this.day) { this.ask.soon(); }
  };

  // What is drawn in pixels fits its place no more.
  figures.redraw = function () {
    this.drawn = '';
    this._show();
  };

  // A calendar day so many days from another; both as on the wire.
  function shifted(day, days) {
    return new Date(Date.parse(day + 'T00:00:00Z') + days * DAY_MS).toISOString().slice(0, 10);
  }

  function today() {
    return clock.businessDay();
  }

  figures._go = function (days) {
    var day = shifted(this.day || today(), days);
    this.day = day >= today() ? '' : day;
    this.answer = null;
    this.ask.of(PATH + (this.day ? '?dia=' + this.day : ''));
    this._show();
  };

  // Null where another day is shown, and before the service has told.
  figures.today = function () { return this.day ? null : this.answer; };

  figures._take = function (answer) {
    this.answer = answer;
    if (this.day) { this.ask.rest(); }
    this._show();
    this.onAnswer();
  };

  // ---- drawing -----------------------------------------------------------------

  figures._title = function () {
    var name = clock.dayName(this.day || today());
    return this.day ? name : fill(WORDS.today, { day: name.charAt(0).toLowerCase() + name.slice(1), time: clock.dayCutTime() });
  };

  function put(parts, value, text) {
    dom.setText(parts.value, value === null ? pages.words.noData : value);
    parts.value.className = value === null ? 'stat__number none' : 'stat__number';
    dom.setText(parts.text, text);
  }

  // Without hours or measures a chart would be an empty frame.
  function draw(parts, something, chart) {
    if (something) {
      chart(parts.chart);
    } else {
      dom.empty(parts.chart);
    }
  }

  figures._show = function () {
    var answer = this.answer, content = JSON.stringify([answer, this.day]);
    dom.setText(dom.byId('figures-day'), this._title());
    dom.setText(dom.byId('dishes-day'), this.day ? clock.dayName(this.day) : WORDS.todayShort);
    dom.byId('day-after').disabled = !this.day;
    if (content === this.drawn) { return; }
    this.drawn = content;
    dom.byId('figures').className = answer ? '' : 'is-asking';
    this._showHours(answer);
    this._showTimes(answer);
    this._showLate(answer);
    this._showTakenOff(answer);
    this._showDishes();
  };

  // Who took dishes that had been made off a bill.
  figures._showTakenOff = function (answer) {
    var list = (answer && answer.quitados) || [];
    dom.byId('taken-off').hidden = !list.length;
    dom.setText(dom.byId('taken-off'), fill(WORDS.takenOff, { list: list.map(function (person) {
      return fill(WORDS.takenOffBy, { who: person.username || '—', n: person.lineas, sum: wording.money(person.importe) });
    }).join(', ') }));
  };

  figures._showHours = function (answer) {
    var self = this, any = !!(answer && answer.pedidos), priced = any && typeof answer.ventas === 'number';
    put(this.perHour, any ? String(answer.pedidos) : null,
      any ? fill(priced ? WORDS.ordersFor : WORDS.orders, { n: answer.pedidos, sum: wording.money(answer.ventas) }) : '');
    draw(this.perHour, any, function (place) { pages.charts.bars(place, answer.por_hora, !self.day); });
  };

  figures._showTimes = function (answer) {
    var spans = answer ? [
      { name: WORDS.waiting, mediana: answer.espera.mediana, p90: answer.espera.p90 },
      { name: WORDS.kitchen, mediana: answer.cocina.mediana, p90: answer.cocina.p90 },
      { name: WORDS.pickup, mediana: answer.recogida.mediana, p90: answer.recogida.p90 },
      { name: pages.words.total, mediana: answer.en_total.mediana, p90: answer.en_total.p90 }
    ].slice(STARTS ? 0 : 2, STARTS ? 3 : 4) : [];   // without INICIAR nobody says when the cooking began
    var any = spans.some(function (span) { return span.p90 !== null; }), all = answer && answer.en_total.mediana;
    put(this.times, typeof all === 'number' ? clock.minutes(all * 1000) : null, any || all ? WORDS.usualTotal : '');
    draw(this.times, any, function (place) { pages.charts.spreads(place, spans); });
  };

  // Below 10 a tenth tells something: 0.4 % is not none.
  function percent(share) {
    return fill(WORDS.percent, { n: share < 10 ? Math.round(share * 10) / 10 : Math.round(share) });
  }

  figures._showLate = function (answer) {
    var any = answer && answer.tarde.porcentaje !== null, text = [];
    dom.setText(this.late.title, any ? fill(WORDS.lateOf, { late: answer.tarde.tarde, all: answer.tarde.medidos }) : WORDS.latePerHour);
    if (answer && answer.pedidos) {
      text.push(fill(WORDS.cancelled, { n: answer.cancelados }));
      text.push(fill(WORDS.recalled, { n: answer.recuperados }));
    }
    put(this.late, any ? percent(answer.tarde.porcentaje) : null, text.join(' · '));
    draw(this.late, any, function (place) { pages.charts.shares(place, answer.por_hora); });
  };

  function dishRow(dish, most) {
    return {
      key: dish.producto_id + '/' + dish.producto_nombre,
      content: JSON.stringify([dish, most]),
      draw: function () {
        return dom.create('div', 'dish', [
          dom.create('b', 'dish__count num', String(dish.cantidad)),
          dom.create('span', 'dish__name', [
            dom.text(pages.isolate(dish.producto_nombre || pages.words.dish) + ' '),
            dom.create('small', 'num', dish.cocina === null ? '' : fill(WORDS.dishTime, { time: clock.minutes(dish.cocina * 1000) }))
          ]),
          pages.charts.bar(dish.cantidad, most)
        ]);
      }
    };
  }

  figures._showDishes = function () {
    var list = this.answer ? this.answer.productos : [], more = dom.byId('dishes-more');
    var shown = this.allDishes ? list : list.slice(0, SHOWN), most = list.length ? list[0].cantidad : 0;
    this.dishes.show(list.length ? shown.map(function (dish) { return dishRow(dish, most); }) : [pages.Stock.none(pages.words.noData)]);
    more.hidden = list.length <= SHOWN;
    more.setAttribute('aria-expanded', this.allDishes ? 'true' : 'false');
    dom.setText(more, this.allDishes ? WORDS.less : fill(WORDS.allDishes, { n: list.length }));
  };

  pages.Figures = Figures;
}(window));
