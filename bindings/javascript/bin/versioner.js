#!/usr/bin/env node
// The `versioner` command, the same as the one without Node.
'use strict';

const { native } = require('../lib/native.js');

process.exit(native.runCommand(process.argv.slice(2)));
