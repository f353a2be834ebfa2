/* This is what the log's page says to people, beside what all pages say
   (shared/words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.logWords = {
    damaged: '?',
    onlyThis: 'Solo este pedido',
    manager: 'encargado',
    events: ['{events} evento', '{events} eventos'],
    searching: 'Buscando…',
    download: 'Descargar',
    closeDownload: 'Cerrar descargas',
    failed: 'Sin conexión con el servicio. Intente de nuevo.',

    // The filters
    more: 'Más filtros',
    fewer: 'Menos filtros',
    onlyOrder: 'Solo el pedido {number}',
    removeFilter: 'Quitar el filtro: {filter}',
    ofYear: ' de {year}',

    // A download
    preparing: 'Preparando la descarga…',
    unknown: 'No se sabe cómo va la descarga. Vea las descargas del navegador.',
    complete: 'Descarga completa: {all} eventos',
    interrupted: 'La descarga se interrumpió: {sent} de {all} eventos',
    downloading: 'Descargando: {sent} de {all} eventos'
  };
}(window));
