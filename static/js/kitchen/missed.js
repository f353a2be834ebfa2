/* What came while there was no connection is counted, told in one summary, and
   rung once. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var GATHER_MS = 300;
  var RETURN_MS = 30000;         // so long after the return what is older may still come: no longer, should the clock be set back
  var COUNTED = { new: 'nuevos', cancelled: 'cancelados', changed: 'cambios', recalled: 'cambios' };

  function none() {
    return { nuevos: 0, cancelados: 0, cambios: 0 };
  }

  // tell(counts): the summary. sound: see sound.js.
  function Missed(tell, sound) {
    this.tell = tell;
    this.sound = sound;
    this.counts = none();
    this.until = 0;              // what is older was missed
    this.returning = null;
    this.timer = null;
  }

  var missed = Missed.prototype;

  missed.covers = function (at) {
    return at < this.until;
  };

  // Polling delivers before it says that it is back, a stream after.
  missed.onMode = function (offline) {
    var self = this;
    if (offline && this.until !== Infinity) {
      window.clearTimeout(this.returning);
      this.until = Infinity;
      this.counts = none();
    } else if (!offline && this.until === Infinity) {
      this.until = pages.clock.now();
      this.returning = window.setTimeout(function () { self.until = 0; }, RETURN_MS);
      this.tell(this.counts);
    }
  };

  // meaning: what an event meant to the kitchen (orders.js).
  missed.add = function (meaning) {
    if (!COUNTED[meaning]) { return; }
    this.counts[COUNTED[meaning]]++;
    this.tell(this.counts);
    this._ringOnce();
  };

  // What a snapshot has that was not known: {nuevos, cancelados, cambios}.
  missed.addAll = function (summary) {
    var name, any = false;
    for (name in this.counts) {
      if (this.counts.hasOwnProperty(name)) {
        this.counts[name] += summary[name];
        any = any || summary[name] > 0;
      }
    }
    this.tell(this.counts);
    if (any) { this._ringOnce(); }
  };

  missed._ringOnce = function () {
    var self = this;
    if (this.timer !== null) { return; }
    this.timer = window.setTimeout(function () {
      self.timer = null;
      if (self.counts.nuevos) {
        self.sound.newOrder();
      } else if (self.counts.cancelados) {
        self.sound.cancelled();
      } else {
        self.sound.changed();
      }
    }, GATHER_MS);
  };

  pages.Missed = Missed;
}(window));
