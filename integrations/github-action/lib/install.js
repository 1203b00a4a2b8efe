/** Brings the program `versioner`, and only the one whose checksum is known. */

const { createHash, randomUUID } = require('node:crypto');
const {
  access,
  chmod,
  constants,
  mkdir,
  readFile,
  rename,
  rm,
  writeFile,
} = require('node:fs/promises');
const { homedir } = require('node:os');
const { join } = require('node:path');

const released = require('../checksums.json');
const { Mistake, input } = require('./runner.js');

const RELEASES = 'https://github.com/versioner-io/libversioner/releases/download';

const SYSTEMS = { linux: 'linux', darwin: 'darwin', win32: 'windows' };
const PROCESSORS = { x64: 'amd64', arm64: 'arm64' };
const PROGRAMS = [
  ...['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'],
  'windows-amd64',
];

/** The milliseconds that one download may take. */
const PATIENCE = 120_000;

/** The path of a program that may be run. */
async function install() {
  const own = input('path');
  if (own !== '') {
    await access(own, constants.X_OK).catch(() => {
      throw new Mistake(`path is ${own}, which is no program that can be run`);
    });
    return own;
  }
  const platform = `${SYSTEMS[process.platform] ?? process.platform}-${PROCESSORS[process.arch] ?? process.arch}`;
  if (!PROGRAMS.includes(platform)) {
    throw new Mistake(
      `there is no versioner for ${platform}; there is one for ${PROGRAMS.join(', ')}. ` +
        'Give one of your own as path.',
    );
  }
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const version = input('cli_version').replace(/^v/, '') || released.version;
  if (!/^\d+\.\d+\.\d+[0-9A-Za-z.-]*$/.test(version)) {
    throw new Mistake(`cli_version is ${version}, but is expected to be like ${released.version}`);
  }
  const file = `versioner-${platform}${suffix}`;
  const checksum = expected(version, file);
  const folder = join(
    process.env.RUNNER_TOOL_CACHE || join(homedir(), '.cache'),
    ...['versioner', version, process.arch],
  );
  const program = join(folder, `versioner${suffix}`);
  const cached = await readFile(program).catch(() => undefined);
  if (cached !== undefined && sha256(cached) === checksum) {
    return program;
  }
  const base = (input('download_url') || `${RELEASES}/v${version}`).replace(/\/+$/, '');
  const bytes = await download(`${base}/${file}`);
  if (sha256(bytes) !== checksum) {
    throw new Mistake(
      `${base}/${file} has the SHA-256 ${sha256(bytes)}, but ${checksum} is expected: ` +
        'it is damaged or was changed, and is not run',
    );
  }
  await mkdir(folder, { recursive: true });
  // Whole or not at all, also if several jobs of a machine install it at once.
  const beside = join(folder, `.${randomUUID()}`);
  try {
    await writeFile(beside, bytes, { flag: 'wx' });
    await chmod(beside, 0o755);
    await rename(beside, program);
  } finally {
    await rm(beside, { force: true });
  }
  return program;
}

function expected(version, file) {
  const given = input('checksum').toLowerCase();
  if (given !== '') {
    if (!/^[0-9a-f]{64}$/.test(given)) {
      throw new Mistake('checksum must be a SHA-256: 64 digits from 0 to 9 and a to f');
    }
    return given;
  }
  const own = version === released.version ? released.files[file] : undefined;
  if (own === undefined) {
    throw new Mistake(
      `the checksum of ${file} ${version} is not known here: use a release of this action, ` +
        'or give checksum, or a program of your own as path',
    );
  }
  return own;
}

async function download(url) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok) {
        return Buffer.from(await answer.arrayBuffer());
      }
      if (answer.status < 500 && answer.status !== 429) {
        throw new Mistake(`${url} was answered with HTTP ${answer.status}: is the version right?`);
      }
      throw new Error(`HTTP ${answer.status}`);
    } catch (error) {
      if (error instanceof Mistake) {
        throw error;
      }
      if (attempt === 3) {
        const why = error.cause?.message ?? error.message;
        throw new Mistake(
          `${url} could not be downloaded: ${why}. Behind a proxy, set NODE_USE_ENV_PROXY: 1 for the ` +
            'job; without a network, give a program of your own as path.',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 1000 * attempt));
    }
  }
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

module.exports = { install };
