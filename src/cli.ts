#!/usr/bin/env -S node --disable-warning=ExperimentalWarning --max-semi-space-size=16 --min-semi-space-size=16 --heap-growing-percent=100 --no-allocation-site-pretenuring
// The flags, here and in package.json. Growing: each step leaves garbage that is as old as the conversation's last step, and
// V8 would let it grow to several times what lives. Pretenuring: where many calls are under way at each collection, V8
// takes what they make for what stays, and puts it where only a full collection finds it; a call then costs a third more.
// Semi-spaces of one size: what is under way fits in, and is not copied out of them while it lives.
import { enableCompileCache } from 'node:module';

// What has been compiled and stripped of types once is kept in the system's folder for temporary files: the next start
// takes two thirds of the time. It works for modules loaded after this call alone, hence the import in a second step.
enableCompileCache();
const { run } = await import('./commands.ts');
process.exit(await run(process.argv.slice(2)));
