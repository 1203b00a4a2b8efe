/** After the job: tells how it ended what `run: started` began. */

const { existsSync } = require('node:fs');

const { run, variables } = require('./lib/program.js');
const { command, input, step } = require('./lib/runner.js');

const ENDS = { success: 'completed', failure: 'failed', cancelled: 'aborted' };

step(async () => {
  const { STATE_span: span, STATE_program: program } = process.env;
  if (!span || !program || !existsSync(span)) {
    return;
  }
  const status = input('job_status');
  const end = ENDS[status] ?? 'aborted';
  if (ENDS[status] === undefined) {
    command('warning', `GitHub says that the job is "${status}", which is told as aborted`);
  }
  const code = await run(
    program,
    ['span', 'end', `--state=${span}`, '--extra-metadata={"vi_end":"job"}', end],
    variables({ GITHUB_OUTPUT: '' }),
  );
  if (code !== 0) {
    // What the job has done it has done.
    command('warning', `Versioner could not be told that the job has ended (${end}); see above`);
  }
});
