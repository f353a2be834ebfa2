/* These are the states of an order, in the order in which it goes through them,
   with the words that people read, and the sets of them by which the pages
   decide: SET[estado] is true or undefined. No other script but those of words
   lists states, and a test compares this list with the service's own. */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};
  var WORDS = pages.words.states;

  function set() {
    var states = {}, i;
    for (i = 0; i < arguments.length; i++) { states[arguments[i]] = true; }
    return states;
  }

  pages.states = {
    WORDS: WORDS,
    COOKABLE: set('pagado', 'en_mesa'),                            // nobody has begun it
    TO_COOK: set('pagado', 'en_mesa', 'en_cocina'),
    COOKED: set('listo', 'servido', 'cerrado'),
    IN_KITCHEN: set('pagado', 'en_mesa', 'en_cocina', 'listo'),    // a cook is to see what changes
    ON_BOARD: set('pagado', 'en_mesa', 'en_cocina', 'listo', 'cancelado'),
    OPEN: set('pendiente_pago', 'pagado', 'en_mesa', 'en_cocina', 'listo', 'servido'),
    OVER: set('cerrado', 'cancelado'),
    EARLY: set('pendiente_pago', 'en_mesa'),                      // who has taken it may cancel it
    FIRST_STATES: set('pendiente_pago', 'pagado', 'en_mesa'),      // the till may
    TO_CARRY: set('en_cocina', 'listo'),                          // some of it may be ready and not with the guest
    MADE: set('listo', 'servido'),                                // it goes back to the kitchen where there is more to make
    DUE: set('pendiente_pago', 'servido'),                        // it is to be paid now, by who has not paid yet
    CHIP: { pendiente_pago: 'warn', en_cocina: 'accent', listo: 'ok', servido: 'warn' }   // how it looks in a list
  };
}(window));
