/* These are the tones, and the chip that says whether they can be heard.
   Browsers keep sound locked until a tap; until then the screen flashes. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var dom = pages.dom;
  var AudioContext = window.AudioContext || window.webkitAudioContext;
  var GAP_MS = 1500;             // several orders at once ring once
  var PAUSE_S = 0.3;             // between two different tones
  var FLASH_MS = 1800;
  var MUTE_MS = 60000;

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
    this.context = null;
    this.exists = !!AudioContext;
    this.lastAt = {};            // by tone
    this.freeAt = 0;             // when the last note ends, in the context's time
    this.mutedUntil = 0;
    chip.onclick = function () { self.unlock(); };
    this._show();
  }

  var sound = Sound.prototype;

  sound._active = function () {
    return this.context !== null && this.context.state === 'running' && !this._mutedSeconds();
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

  // Every second: how long it is still muted.
  sound.tick = function () {
    if (this.mutedUntil) {
      if (!this._mutedSeconds()) { this.mutedUntil = 0; }
      this._show();
    }
  };

  sound._show = function () {
    var active = this._active(), text = 'Toque para activar el sonido';
    if (!AudioContext) { text = 'Este navegador no tiene sonido'; }
    if (active) { text = 'Sonido activo'; }
    if (this._mutedSeconds()) { text = 'Silencio ' + this._mutedSeconds() + ' s'; }
    this.chip.setAttribute('data-activo', active ? 'true' : 'false');
    dom.empty(this.chip);
    this.chip.appendChild(dom.icon(active ? 'sound' : 'mute', 'icon--l'));
    this.chip.appendChild(dom.create('span', 'wide', text));
  };

  // Must be called from a tap; quietly where the tap was meant for something else.
  sound.unlock = function (quietly) {
    var self = this;
    if (quietly && this.context && this.context.state === 'running') { return; }
    this.mutedUntil = 0;
    this._show();
    if (!AudioContext) { return; }
    if (!this.context) {
      this.context = new AudioContext();
      this.context.onstatechange = function () { self._show(); };
    }
    if (this.context.resume) { this.context.resume(); }
    if (!quietly) { this._play(TONES.newOrder); }
    this._show();
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
    }
  };

  sound._ring = function (name) {
    var now = new Date().getTime();
    if (Math.abs(now - (this.lastAt[name] || 0)) < GAP_MS) { return; }
    this.lastAt[name] = now;
    if (this._active()) { this._play(TONES[name]); } else { this._flash(); }
  };

  sound._flash = function () {
    var element = this.flashElement;
    element.className = 'flash is-on';
    window.setTimeout(function () { element.className = 'flash'; }, FLASH_MS);
  };

  sound.newOrder = function () { this._ring('newOrder'); };
  sound.changed = function () { this._ring('changed'); };
  sound.cancelled = function () { this._ring('cancelled'); };
  sound.alarm = function () { this._ring('alarm'); };
  sound.ready = function () { this._ring('ready'); };

  pages.Sound = Sound;
}(window));
