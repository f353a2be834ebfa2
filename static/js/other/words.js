/* This is what the sign-in page says to people, beside what all pages say
   (shared/words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.loginWords = {
    writeName: 'escriba su usuario',
    wait: 'Espere {time}',
    noConnection: 'No hay conexión con el servicio. Intente de nuevo.',
    nothingWritten: 'Escriba su usuario y su PIN.',
    show: 'Mostrar',
    hide: 'Ocultar'
  };
}(window));
