import { enableCompileCache } from 'node:module';

// What has been compiled and stripped of types once is kept in the system's folder for temporary files: the next start
// takes two thirds of the time. It works for modules loaded after this call alone, hence the import in a second step.
enableCompileCache();
const { run } = await import('./commands.ts');
process.exit(await run(process.argv.slice(2)));
