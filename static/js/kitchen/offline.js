/* This is the kitchen's page where the service does not answer: the last board
   that this tablet had, to be read and not to be touched. */
(function (window) {
  'use strict';

  var document = window.document;
  var pages = window.posNotif;
  var dom = pages.dom;
  var clock = pages.clock;
  var WORDS = pages.kitchenWords;
  var body = document.body;
  var orders = new pages.Orders();
  var limits = {
    warnMs: Number(body.getAttribute('data-warn-minutes')) * 60000,
    lateMs: Number(body.getAttribute('data-late-minutes')) * 60000
  };
  var board = new pages.Board(dom.byId('columns'), limits, function () { return 0; });
  var density = new pages.Density({ smaller: dom.byId('smaller'), larger: dom.byId('larger') }, resize);
  var shownAt = clock.steady();
  var age = null;                // of the board when it was shown; null where there is none

  function no() { return false; }

  function viewOf() {
    return { whole: 'ver', lines: {}, slow: false, locked: true, out: [], said: '', key: '', selected: false, compact: density.compact };
  }

  function lock() {
    Array.prototype.forEach.call(dom.byId('columns').querySelectorAll('button'), function (button) { button.disabled = true; });
  }

  function render() {
    var now = clock.now(), records = age === null ? [] : orders.inSight(now, no, no);
    board.show(records, now, viewOf);
    lock();
    dom.byId('empty').hidden = records.length > 0;
    dom.setText(dom.byId('empty-title'), age === null ? WORDS.noneKept : WORDS.noneBefore);
    dom.setText(dom.byId('empty-text'), age === null ? WORDS.unknown : WORDS.unknownNew);
    dom.setText(dom.byId('age'), age === null ? pages.words.offlineRetry :
      pages.fill(WORDS.keptFrom, { ago: clock.ago(Math.max(1000, age + clock.steady() - shownAt)) }));
    dom.setText(dom.byId('clock'), clock.time24());
  }

  function resize() {
    body.className = 'kitchen is-offline' + (density.compact ? ' is-compact' : '');
    board.resize(density.compact);
    render();
  }

  pages.kept.get(function (kept, old) {
    if (kept) {
      age = old;
      clock.restore({ offset: kept.desfase_ms, zone: kept.zona_min, shifts: kept.ajustes });
      orders.load(kept.pedidos, clock.now());
    }
    dom.byId('board').setAttribute('data-guardado', kept ? 'true' : 'false');
    render();
  });
  window.onresize = function () {
    density.look();
    resize();
  };
  window.setInterval(render, 1000);
  resize();
}(window));
