/* These are small charts as SVG, drawn in the pixels of their place. Each says
   in words what it shows. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var svg = pages.dom.svg;
  var WORDS = pages.managerWords;
  var fill = pages.fill;
  var HEIGHT = 128;
  var TOP = 16;                  // room for a value above the highest bar
  var BASE = 104;                // where the axis is; the hours stand below it
  var LEFT = 30;
  var LABELS = 84;               // names of the spans
  var VALUES = 96;              // their figures

  // The chart in `place`, as wide as it is. draw(chart, width)
  function chart(place, label, draw) {
    var width = Math.max(220, place.clientWidth), node;
    node = svg('svg', { 'class': 'chart', viewBox: '0 0 ' + width + ' ' + HEIGHT, width: width, height: HEIGHT, role: 'img' });
    node.setAttribute('aria-label', label);
    draw(node, width);
    pages.dom.empty(place);
    place.appendChild(node);
  }

  function add(node, tag, attributes, content) {
    var child = svg(tag, attributes, content);
    node.appendChild(child);
    return child;
  }

  // The least of 2, 4, 6, 10, 16, 20, 30, 40, 60, 100, 160 … that is not below `value`: its half is a whole number.
  function nice(value) {
    var step = 1, ends = [2, 4, 6, 10, 16], i;
    while (step * 16 < value) { step *= 10; }
    for (i = 0; ends[i] * step < value; i++) { /* the next one */ }
    return ends[i] * step;
  }

  // 19 as people say it: 7.
  function hourOf(iso) {
    return String(Number(iso.slice(11, 13)) % 12 || 12);
  }

  function saidOf(hour, value) {
    return fill(WORDS.hourSaid, { hour: pages.clock.hourOf(hour.hora), value: value });
  }

  function axis(node, width, most, unit) {
    var i, y;
    for (i = 0; i <= 2; i++) {
      y = BASE - (BASE - TOP) * i / 2;
      add(node, 'line', { 'class': 'chart__grid', x1: LEFT, x2: width, y1: y, y2: y });
      add(node, 'text', { x: LEFT - 6, y: y + 4, 'text-anchor': 'end' }, most * i / 2 + unit);
    }
  }

  // Hour numbers under their places; where they would touch, every other one.
  function hourNames(node, hours, center, step) {
    var every = Math.max(1, Math.ceil(24 / step)), i;
    for (i = 0; i < hours.length; i++) {
      if ((hours.length - 1 - i) % every === 0) {
        add(node, 'text', { x: center(i), y: BASE + 18, 'text-anchor': 'middle' }, hourOf(hours[i].hora));
      }
    }
  }

  function steps(hours, width) {
    var step = (width - LEFT) / Math.max(hours.length, 6);
    return { step: step, center: function (i) { return LEFT + step * (i + 0.5); } };
  }

  // hours: [{hora, pedidos}]; `live`: the last one is still going on.
  function bars(place, hours, live) {
    var most = 0, peak = 0, words = [], i;
    for (i = 0; i < hours.length; i++) {
      if (hours[i].pedidos > most) { most = hours[i].pedidos; peak = i; }
      words.push(saidOf(hours[i], hours[i].pedidos));
    }
    most = nice(Math.max(most, 2));
    chart(place, fill(WORDS.perHourSaid, { list: words.join(', ') }), function (node, width) {
      var at = steps(hours, width), bar = Math.min(44, at.step * 0.7), x, height, last;
      axis(node, width, most, '');
      hourNames(node, hours, at.center, at.step);
      for (i = 0; i < hours.length; i++) {
        last = i === hours.length - 1;
        x = at.center(i);
        height = (BASE - TOP) * hours[i].pedidos / most;
        add(node, 'rect', {
          'class': 'chart__bar' + (last && live ? ' chart__bar--now' : ''),
          x: x - bar / 2, y: BASE - height, width: bar, height: height, rx: Math.min(2, height)
        });
        if ((i === peak || last) && hours[i].pedidos) {
          add(node, 'text', { 'class': 'chart__value', x: x, y: BASE - height - 5, 'text-anchor': 'middle' }, String(hours[i].pedidos));
        }
      }
    });
  }

  // hours: [{hora, porcentaje: null where it cannot be said}]
  function shares(place, hours) {
    var most = 0, words = [], i;
    for (i = 0; i < hours.length; i++) {
      most = Math.max(most, hours[i].porcentaje || 0);
      words.push(saidOf(hours[i], hours[i].porcentaje === null ? pages.words.noData : fill(WORDS.percent, { n: hours[i].porcentaje })));
    }
    most = Math.min(100, nice(Math.max(most, 10)));
    chart(place, fill(WORDS.lateSaidPerHour, { list: words.join(', ') }), function (node, width) {
      var at = steps(hours, width), run = [];
      function y(share) { return BASE - (BASE - TOP) * share / most; }
      // An hour that cannot be said is a gap, not 0.
      function end() {
        var line = run.join(' ');
        if (run.length > 1) {
          node.insertBefore(svg('polygon', {
            'class': 'chart__area', points: line + ' ' + run[run.length - 1].split(',')[0] + ',' + BASE + ' ' + run[0].split(',')[0] + ',' + BASE
          }), node.firstChild);
          add(node, 'polyline', { 'class': 'chart__line', points: line });
        }
        run = [];
      }
      axis(node, width, most, '');
      hourNames(node, hours, at.center, at.step);
      for (i = 0; i < hours.length; i++) {
        if (hours[i].porcentaje === null) { end(); continue; }
        run.push(at.center(i).toFixed(1) + ',' + y(hours[i].porcentaje).toFixed(1));
      }
      end();
      for (i = 0; i < hours.length; i++) {
        if (hours[i].porcentaje !== null) {
          add(node, 'circle', { 'class': 'chart__dot', cx: at.center(i), cy: y(hours[i].porcentaje), r: i === hours.length - 1 ? 4.5 : 3 });
        }
      }
    });
  }

  function minutes(seconds) {
    return pages.clock.minutes(seconds * 1000);
  }

  // spans: [{name, mediana, p90}] in seconds, null where there are none: a dot and a bar on one scale.
  function spreads(place, spans) {
    var most = 0, words = [], i;
    for (i = 0; i < spans.length; i++) {
      most = Math.max(most, spans[i].p90 || 0);
      words.push(fill(spans[i].p90 === null ? WORDS.noTimeSaid : WORDS.timeSaid, {
        name: spans[i].name, usual: minutes(spans[i].mediana), most: minutes(spans[i].p90)
      }));
    }
    most = nice(Math.max(most / 60, 2));
    chart(place, fill(WORDS.timesSaid, { list: words.join('; ') }), function (node, width) {
      var from = LABELS, to = width - VALUES, y, a, b;
      function x(seconds) { return from + (to - from) * seconds / 60 / most; }
      for (i = 0; i <= 2; i++) {
        a = from + (to - from) * i / 2;
        add(node, 'line', { 'class': 'chart__grid', x1: a, x2: a, y1: 6, y2: BASE });
        add(node, 'text', { x: a, y: BASE + 18, 'text-anchor': 'middle' }, i === 2 ? fill(WORDS.minutes, { n: most }) : most * i / 2);
      }
      for (i = 0; i < spans.length; i++) {
        y = 24 + 32 * i;
        add(node, 'text', { 'class': 'chart__name', x: 0, y: y + 4 }, spans[i].name);
        if (spans[i].p90 === null) {
          add(node, 'text', { x: width, y: y + 4, 'text-anchor': 'end' }, pages.words.noData);
          continue;
        }
        a = x(spans[i].mediana);
        b = x(spans[i].p90);
        add(node, 'rect', { 'class': 'chart__range', x: a, y: y - 4, width: Math.max(0, b - a), height: 8 });
        add(node, 'circle', { 'class': 'chart__dot', cx: a, cy: y, r: 6 });
        add(node, 'rect', { 'class': 'chart__mark', x: b - 2, y: y - 9, width: 4, height: 18 });
        add(node, 'text', { 'class': 'chart__value', x: width, y: y + 4, 'text-anchor': 'end' },
          minutes(spans[i].mediana) + ' · ' + minutes(spans[i].p90));
      }
    });
  }

  // A bar of `value` out of `most`, for a row of a list.
  function bar(value, most) {
    var node = svg('svg', { 'class': 'hbar', viewBox: '0 0 100 4', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    add(node, 'rect', { 'class': 'hbar__all', width: 100, height: 4 });
    add(node, 'rect', { 'class': 'hbar__part', width: most > 0 ? 100 * value / most : 0, height: 4 });
    return node;
  }

  pages.charts = { bars: bars, shares: shares, spreads: spreads, bar: bar };
}(window));
