// A whole session of the official client, driven line by line: a JSON command on standard input, JSON events on
// standard output. {"connect": {url, cookie?, token?, options?}}, {"emit": [name, argument], "ack": true?},
// {"disconnect": true}. The package's name is the argument, and `options` are the client's own.
'use strict';
const readline = require('readline');
const { io } = require(process.argv[2]);

let socket;
let cursor = null;

function say(value) {
  process.stdout.write(JSON.stringify(value) + '\n');
}

function connect(options) {
  socket = io(options.url, Object.assign({
    reconnectionDelay: 200,
    reconnectionDelayMax: 500,
    extraHeaders: options.cookie ? { Cookie: options.cookie } : {},
    auth: (send) => send(Object.assign({}, options.token && { token: options.token }, cursor && { cursor })),
  }, options.options));
  socket.on('connect', () => say({ connected: true }));
  socket.io.on('open', () => socket.io.engine.on('upgrade', () => say({ upgraded: true })));
  socket.on('connect_error', (error) => say({ refused: error.message, active: socket.active }));
  socket.on('disconnect', (reason) => say({ disconnected: reason }));
  socket.onAny((name, argument, at) => {
    if (at) { cursor = at; }
    say({ event: name, data: argument, cursor: at || null });
  });
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.connect) {
    connect(command.connect);
  } else if (command.emit && command.ack) {
    socket.emit(...command.emit, (answer) => say({ ack: answer }));
  } else if (command.emit) {
    socket.emit(...command.emit);
  } else if (command.disconnect) {
    socket.disconnect();
  }
}).on('close', () => process.exit(0));
