/** What GitHub's runner hands in, and how it is told something. */

const { appendFileSync, readFileSync } = require('node:fs');
const { randomUUID } = require('node:crypto');

/** A mistake whose message is all there is to say. */
class Mistake extends Error {}

function raw(name) {
  // The runner writes names in upper case and leaves - as it is.
  return (process.env[`INPUT_${name.toUpperCase()}`] ?? '').trim();
}

/** An input under any of its names, with _ and with -; empty if it is not given. */
function input(...names) {
  const spellings = names.flatMap((name) => [name, name.replaceAll('_', '-')]);
  const given = [...new Set(spellings)].filter((name) => raw(name) !== '');
  const [first, other] = [given[0], given.find((name) => raw(name) !== raw(given[0]))];
  if (other !== undefined) {
    throw new Mistake(`${first} and ${other} are the same input, and were given different values`);
  }
  return first === undefined ? '' : raw(first);
}

/** Appends a value to one of the runner's files, whatever lines it has. */
function tell(file, name, value) {
  const path = process.env[file];
  if (path) {
    const end = `end-${randomUUID()}`;
    appendFileSync(path, `${name}<<${end}\n${value}\n${end}\n`);
  }
}

/** Reads the pairs of such a file. */
function told(path) {
  const lines = readFileSync(path, 'utf8').split(/\r?\n/);
  const values = new Map();
  for (let at = 0; at < lines.length; at += 1) {
    const [, name, mark, rest] = /^([^=<]+)(=|<<)(.*)$/s.exec(lines[at]) ?? [];
    if (mark === '=') {
      values.set(name, rest);
    } else if (mark === '<<') {
      const end = lines.indexOf(rest, at + 1);
      values.set(name, lines.slice(at + 1, end).join('\n'));
      at = end;
    }
  }
  return values;
}

/** Text that cannot begin a command of the runner or end one. */
function escaped(text) {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function command(name, text) {
  process.stdout.write(`::${name}::${escaped(text)}\n`);
}

/** Runs a step; a mistake is shown as the runner shows errors, and anything else with its stack. */
async function step(body) {
  try {
    await body();
  } catch (error) {
    command('error', error instanceof Mistake ? error.message : String(error.stack));
    process.exitCode = 1;
  }
}

module.exports = { Mistake, command, input, step, tell, told };
