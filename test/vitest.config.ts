import { defineConfig } from 'vitest/config';
import { removeSettings } from './support/environment.ts';

// Before any worker starts: it inherits what is left.
removeSettings();

export default defineConfig({
  test: {
    root: `${import.meta.dirname}/..`,
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // Tests start real servers and processes on two cores: two files at a time keep their clocks honest.
    maxWorkers: 2,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
});
