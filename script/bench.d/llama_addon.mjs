// llama.cpp's addon of the npm package @node-llama-cpp/linux-x64, found through SPUTNIK_BENCH_PEER (a folder that
// holds node_modules).
import { createRequire } from "node:module";
import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";

export const packageFolder = path.join(process.env.SPUTNIK_BENCH_PEER ?? "", "node_modules/@node-llama-cpp/linux-x64");
export const binaries = path.join(packageFolder, "bins/linux-x64");

/** The release of llama.cpp that the addon was built from. */
export function release() {
  return JSON.parse(readFileSync(path.join(binaries, "_nlcBuildMetadata.json"), "utf8")).buildOptions.llamaCpp.release;
}

export async function loadAddon(verbose = false) {
  const llama = createRequire(import.meta.url)(path.join(binaries, "llama-addon.node"));
  llama.setLogger((level, message) => verbose && process.stderr.write(message));
  llama.setLoggerLogLevel(verbose ? 5 : 1);
  llama.loadBackends();
  if (llama.getGpuType() === undefined) llama.loadBackends(binaries);
  await llama.init();
  return llama;
}

export async function loadModel(llama, file, options = {}) {
  const model = new llama.AddonModel(realpathSync(file), { gpuLayers: 0, ...options });
  if (!(await model.init())) throw new Error(`llama.cpp does not load ${file}`);
  return model;
}
