import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';

// What has been compiled and stripped of types once is kept in the system's folder for temporary files: the next start
// takes two thirds of the time. It works for modules loaded after this call alone, hence the import in a second step.
// In a place that takes no folders (/proc/x) Node would try to make one for ever.
if (existsSync(tmpdir())) enableCompileCache();
const { run } = await import('./commands.ts');
process.exit(await run(process.argv.slice(2)));
