/* This is where one says that this device is to ring with the page closed
   (templates/push.html): what is missing for that, the tap, a test; and the QR
   code for the ntfy app, where the restaurant has a server of its own. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var WORDS = pages.words.push;

  function PushPanel(push) {
    var self = this;
    this.push = push;
    this.topic = '';             // whose code is drawn
    dom.byId('avisarme').onclick = function () { push.ask(); };
    dom.byId('push-test').onclick = function () { push.test(); };
    dom.byId('push-stop').onclick = function () { push.stop(); };
    dom.byId('ntfy-test').onclick = function () { push.test(); };
    dom.byId('ntfy-open').onclick = function () {
      var open = dom.byId('ntfy-more').hidden;
      dom.byId('ntfy-more').hidden = !open;
      dom.byId('ntfy-open').setAttribute('aria-expanded', open ? 'true' : 'false');
      if (open) { self._draw(); }
    };
    this.show();
  }

  var panel = PushPanel.prototype;

  // As the app opens it.
  function link(ntfy) {
    var plain = /^http:/.test(ntfy.url);
    return ntfy.url.replace(/^https?:/, 'ntfy:') + '/' + ntfy.tema + (plain ? '?secure=false' : '');
  }

  panel._draw = function () {
    var ntfy = this.push.ntfy, self = this;
    if (this.topic === link(ntfy)) { return; }
    this.topic = link(ntfy);
    pages.qr.draw(this.topic, WORDS.code, function (node) {
      dom.empty(dom.byId('ntfy-code'));
      dom.byId('ntfy-code').appendChild(node);
    });
    dom.byId('ntfy-link').href = self.topic;
    dom.setText(dom.byId('ntfy-server'), ntfy.url);
    dom.setText(dom.byId('ntfy-topic'), ntfy.tema);
  };

  panel.show = function () {
    var state = this.push.state();
    dom.byId('push').hidden = !this.push.isActive();
    dom.byId('push').setAttribute('data-estado', state);
    dom.byId('avisarme').hidden = state !== 'ask' && state !== 'busy';
    dom.byId('avisarme').disabled = state === 'busy';
    dom.setText(dom.byId('avisarme'), state === 'busy' ? WORDS.busy : WORDS.ask);
    dom.byId('push-on').hidden = state !== 'on';
    dom.setText(dom.byId('push-state'), state === 'off' ? '' : WORDS.states[state]);
    dom.byId('push-state').hidden = state === 'off';
    dom.setText(dom.byId('push-said'), this.push.said);
    dom.byId('push-said').hidden = !this.push.said;
    dom.byId('ntfy').hidden = !this.push.ntfy;
  };

  pages.PushPanel = PushPanel;
}(window));
