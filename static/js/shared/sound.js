/* These are the tones, and the chip that says whether they can be heard.
   Browsers keep sound locked until a tap, and a device may stop later without a
   word: it counts as heard only while the audio clock moves. Where it is not,
   the screen flashes. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var AudioContext = window.AudioContext || window.webkitAudioContext;
  var GAP_MS = 1500;             // several orders at once ring once
  var PAUSE_S = 0.3;             // between two different tones
  var FLASH_MS = 1800;
  var MUTE_MS = 60000;
  var LOOK_MS = 250;
  var STILL_MS = 2000;           // so long the audio clock stands still where nothing can be heard
  var FIRST_S = 0.1;             // so far the audio clock may get in a buffer that no device has taken
  var START_MS = 5000;           // so long a device may take until it plays
  var SLOW_MS = 1000;            // to make a context; Chromium holds the page for 20 s where the sound server hangs

  // Frequency in Hz, start and length in s. Told apart by their melody: up, twice the same, down,
  // a siren, three up.
  var TONES = {
    newOrder: [[880, 0, 0.16], [1318.5, 0.18, 0.34]],
    changed: [[987.8, 0, 0.12], [987.8, 0.2, 0.12]],
    cancelled: [[659.3, 0, 0.2], [440, 0.24, 0.4]],
    alarm: [[1174.7, 0, 0.18], [784, 0.2, 0.18], [1174.7, 0.4, 0.18], [784, 0.6, 0.18], [1174.7, 0.8, 0.3]],
    ready: [[1046.5, 0, 0.14], [1318.5, 0.15, 0.14], [1568, 0.3, 0.36]]
  };

  function Sound(chip, flash) {
    var self = this;
    this.chip = chip;
    this.flashElement = flash;
    this.context = null;         // made by a tap
    this.madeAt = 0;
    this.slow = false;           // that took long, and nothing has been heard since
    this.time = 0;               // what the audio clock was at when it was last seen to move,
    this.movedAt = 0;            // and when that was
    this.dueAt = null;           // by then, of the audio clock, the last tone has been heard
    this.exists = !!AudioContext;
    this.lastAt = {};            // by tone
    this.freeAt = 0;             // when the last note ends, in the context's time
    this.mutedUntil = 0;
    this.flashTimer = null;
    chip.onclick = function () { self.unlock(); };
    window.setInterval(function () { self._look(); }, LOOK_MS);
    this._show();
  }

  var sound = Sound.prototype;

  function isRecent(at, ms) { return Math.abs(new Date().getTime() - at) < ms; }

  // Before 2015 a context has no state, and one that a tap has made runs.
  sound._sounds = function () {
    return this.context !== null && isRecent(this.movedAt, STILL_MS) &&
      (this.context.state === undefined || this.context.state === 'running');
  };

  sound._isStarting = function () { return this.context !== null && !this.movedAt && isRecent(this.madeAt, START_MS); };

  sound._active = function () { return this._sounds() && !this._mutedSeconds(); };

  sound._look = function () {
    if (this.context && this.context.currentTime > this.time) {
      this.time = this.context.currentTime;
      this.movedAt = new Date().getTime();
      this.slow = false;
    }
    if (this.dueAt !== null && this.time >= this.dueAt) { this.dueAt = null; }
    if (this.dueAt !== null && !this._sounds() && !this._isStarting()) {
      this.dueAt = null;
      this._flash();             // it has not been heard after all
    }
    this._show();
  };

  sound._mutedSeconds = function () {
    var left = Math.ceil((this.mutedUntil - new Date().getTime()) / 1000);
    return left > 0 && left * 1000 <= MUTE_MS ? left : 0;
  };

  // For a minute the screen flashes instead; again, or a tap on the chip: not after all.
  sound.mute = function () {
    this.mutedUntil = this._mutedSeconds() ? 0 : new Date().getTime() + MUTE_MS;
    this._show();
  };

  sound._show = function () {
    var active = this._active(), text = pages.words.soundOff;
    if (!AudioContext) { text = pages.words.soundNever; }
    if (this.context && !this._isStarting()) { text = pages.words.soundStopped; }
    if (active) { text = pages.words.soundOn; }
    if (this._mutedSeconds()) { text = pages.fill(pages.words.muted, { n: this._mutedSeconds() }); }
    if (this.chip.textContent === text) { return; }   // or a tap would miss what is drawn anew
    this.chip.setAttribute('data-activo', active ? 'true' : 'false');
    dom.empty(this.chip);
    this.chip.appendChild(dom.icon(active ? 'sound' : 'mute', 'icon--l'));
    this.chip.appendChild(dom.create('span', 'wide', text));
  };

  // Must be called from a tap; quietly where the tap was meant for something else.
  sound.unlock = function (quietly) {
    if (!quietly) { this.mutedUntil = 0; }
    this._look();
    if (!AudioContext) { return; }
    if (!this._sounds() && !this._isStarting() && !(quietly && this.slow)) { this._make(); }
    if (!quietly && this.context) { this._play(TONES.newOrder); }
    this._show();
  };

  // What a device does not do shows by its clock.
  function settle(answer) {
    if (answer && answer.then) { answer.then(null, function () { return; }); }
  }

  // One that a device has stopped may not come back: a tap makes another.
  sound._make = function () {
    var self = this, old = this.context, before = new Date().getTime(), context, source;
    try { context = new AudioContext(); } catch (error) { return; }   // there are too many
    if (old) { old.onstatechange = null; }
    if (old && old.close) { settle(old.close()); }
    this.context = context;
    this.madeAt = new Date().getTime();
    this.slow = this.madeAt - before > SLOW_MS;
    this.movedAt = this.freeAt = 0;
    this.time = FIRST_S;
    this.dueAt = null;
    context.onstatechange = function () { self._look(); };
    if (context.resume) { settle(context.resume()); }
    source = context.createBufferSource();
    source.buffer = context.createBuffer(1, 1, 22050);   // silence: an old clock begins with the first sound
    source.connect(context.destination);
    source.start(0);
  };

  sound._play = function (notes) {
    var context = this.context, begin = Math.max(context.currentTime + 0.02, this.freeAt), i, tone, gain, at, end;
    for (i = 0; i < notes.length; i++) {
      tone = context.createOscillator();
      gain = context.createGain();
      at = begin + notes[i][1];
      end = at + notes[i][2];
      tone.type = 'triangle';
      tone.frequency.value = notes[i][0];
      gain.gain.setValueAtTime(0.0001, at);
      gain.gain.exponentialRampToValueAtTime(0.5, at + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, end);
      tone.connect(gain);
      gain.connect(context.destination);
      tone.start(at);
      tone.stop(end);
      this.freeAt = end + PAUSE_S;
      this.dueAt = end;
    }
  };

  sound._ring = function (name) {
    var now = new Date().getTime();
    if (Math.abs(now - (this.lastAt[name] || 0)) < GAP_MS) { return; }
    this.lastAt[name] = now;
    this._look();
    if (this._active()) { this._play(TONES[name]); } else { this._flash(); }
  };

  sound._flash = function () {
    var element = this.flashElement;
    element.className = 'flash is-on';
    window.clearTimeout(this.flashTimer);
    this.flashTimer = window.setTimeout(function () { element.className = 'flash'; }, FLASH_MS);
  };

  // Whether what rings now is heard.
  sound.isHeard = function () { return this._active(); };

  sound.newOrder = function () { this._ring('newOrder'); };
  sound.changed = function () { this._ring('changed'); };
  sound.cancelled = function () { this._ring('cancelled'); };
  sound.alarm = function () { this._ring('alarm'); };
  sound.ready = function () { this._ring('ready'); };

  pages.Sound = Sound;
}(window));
