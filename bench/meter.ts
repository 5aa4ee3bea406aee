/** Processor time of the server, the generator and the machine at two moments, and what lies between them. */
import { nowUs } from "./clock.ts";
import { cpuUs, machineBusyUs } from "./cpu.ts";

interface Meter {
  atUs: number;
  delivered: number;
  serverUs: number;
  generatorUs: number;
  machineUs: number;
}

/** To be called in the generator: its own time is this process's. */
export function readMeter(serverPids: readonly number[], delivered: number): Meter {
  const { user, system } = process.cpuUsage();
  return {
    atUs: nowUs(),
    delivered,
    serverUs: cpuUs(serverPids),
    generatorUs: user + system,
    machineUs: machineBusyUs(),
  };
}

export function difference(before: Meter, after: Meter) {
  const elapsedUs = after.atUs - before.atUs;
  const deliveries = after.delivered - before.delivered;
  const [serverUs, generatorUs] = [after.serverUs - before.serverUs, after.generatorUs - before.generatorUs];
  return {
    cpuUsPerDelivery: deliveries === 0 ? 0 : serverUs / deliveries,
    deliveriesPerSecond: deliveries / (elapsedUs / 1_000_000),
    generatorBusy: generatorUs / elapsedUs,
    othersBusy: Math.max(0, after.machineUs - before.machineUs - serverUs - generatorUs) / elapsedUs,
  };
}
