import { defineConfig } from 'vitest/config';
import { removeSettings } from './support/environment.ts';

// Before any worker starts: it inherits what is left.
removeSettings();

export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    include: ['test/**/*.test.ts'],
    // What has not happened by then never will, however busy the machine is. No test claims how fast something is.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 200_000 } },
    // Tests start real servers and processes on two cores: two files at a time keep their clocks honest.
    maxWorkers: 2,
    // Modules that are loaded once serve all files of a worker: no module of the product keeps state of its own.
    isolate: false,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
