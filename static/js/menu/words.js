/* This is what the menu's page says to people, beside what all pages say
   (shared/words.js). */
(function (window) {
  'use strict';

  var pages = window.posNotif = window.posNotif || {};

  pages.menuWords = {
    title: 'Menú',

    // The dishes
    dishes: ['{n} plato', '{n} platos'],
    ranOut: ['{n} se acabó', '{n} se acabaron'],
    hiddenOnes: ['{n} oculto', '{n} ocultos'],
    all: 'Todos',
    hiddenTab: 'Ocultos',
    there: 'Hay',
    hidden: 'Oculto',
    show: 'Mostrar',
    showDish: 'Mostrar {dish}',
    editDish: 'Cambiar {dish}',
    dishSaid: '{dish}: ',
    notDone: 'No se pudo cambiar el plato. Intente de nuevo.',

    // A dish's form
    newDish: 'Plato nuevo',
    save: 'Guardar',
    create: 'Crear',
    saving: 'Guardando…',
    saved: 'Guardado: {dish}',
    noName: 'Escriba el nombre.',
    nameTaken: 'Ya hay un plato con ese nombre. Si son dos, dé a cada uno su código POS.',
    nameTakenHidden: 'Ya hay un plato con ese nombre, oculto. Si son dos, dé a cada uno su código POS.',
    noPrice: 'Escriba el precio.',
    badPrice: 'Escriba el precio con números, por ejemplo 1.25',
    badNumber: 'Escriba un número, por ejemplo 12',
    badCode: 'Escriba solo números, como en el POS.',
    codeTaken: 'Ese código ya es de {dish}.',
    fieldSaid: '{why}.',
    notSaved: 'No se guardó: {why}',
    lost: 'Sin conexión: no se supo si se guardó. Lo que escribió sigue aquí; toque de nuevo cuando vuelva.',
    first: 'Guarde o descarte primero lo que escribió aquí.',

    // A file
    choose: 'Elegir archivo',
    chooseOther: 'Otro archivo',
    reading: 'leyendo…',
    nothingYet: 'todavía no se ha cambiado nada',
    applying: 'aplicando…',
    tooLarge: '{file} pasa de 2 MB: un menú es más pequeño. Revise que sea el archivo correcto.',
    unreadable: 'No se pudo leer {file}. Elíjalo otra vez.',
    refused: '{file} no sirve así: {why}',
    notAsked: 'Sin conexión: no se pudo revisar {file}. No se ha cambiado nada.',
    notKnown: 'Sin conexión: no se supo si los cambios se aplicaron. Revise de nuevo.',
    review: 'Revisar de nuevo',
    noMenuFile: 'Este archivo no se puede leer como un menú.',
    nothingToDo: 'El archivo dice lo mismo que el menú: no hay nada que cambiar.',
    correct: ['Corrija esta fila en el archivo y elíjalo otra vez: mientras tanto no se aplica ninguna.',
      'Corrija estas {n} filas en el archivo y elíjalo otra vez: mientras tanto no se aplica ninguna.'],
    nums: { nuevos: ['nuevo', 'nuevos'], cambian: ['cambia', 'cambian'], iguales: ['igual', 'iguales'], errores: ['por corregir', 'por corregir'] },
    isNew: 'Nuevo',
    changes: 'Cambia',
    row: 'Fila {row}',
    file: 'Archivo',
    ofColumn: '{column}: {why}',
    before: 'antes ',
    now: 'ahora ',
    to: ' → ',
    fields: { stock_actual: 'existencia ', stock_minimo: 'mínimo ', id_pos: 'código POS ', categoria: '', precio: '', disponible: '', oculto: '' },
    minimum: 'mínimo {least}',
    code: 'código POS {code}',
    inSight: 'A la vista',
    nothing: '—',
    moreRows: 'Ver {n} más',
    apply: ['Aplicar 1 cambio', 'Aplicar {n} cambios'],
    applied: ['Menú al día: se aplicó 1 cambio', 'Menú al día: se aplicaron {n} cambios']
  };
}(window));
