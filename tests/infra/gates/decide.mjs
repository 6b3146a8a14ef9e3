// Decides requests as IAM does: simulations as a JSON list on stdin, one result or error for each on stdout.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const { runSimulation } = createRequire(process.cwd() + "/")("@cloud-copilot/iam-simulate");

async function decide(simulation) {
  const answer = await runSimulation(simulation, {});
  return answer.resultType === "error"
    ? { error: answer.errors }
    : { result: answer.overallResult, ignored: (answer.result ?? answer.results[0]).ignoredContextKeys };
}

const simulations = JSON.parse(await text(process.stdin));
process.stdout.write(JSON.stringify(await Promise.all(simulations.map(decide))));
