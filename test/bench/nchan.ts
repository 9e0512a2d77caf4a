import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from '../system/ports.ts';

const NGINX = '/usr/sbin/nginx';
const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** nginx with nchan, one channel: `POST /pub`, `GET /sub` as server-sent events. */
export interface Nchan {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts it; null where Debian's packages nginx and libnginx-mod-nchan are not installed. It keeps every message, as a journal does. */
export async function startNchan(folder: string, workers: number): Promise<Nchan | null> {
  if (!existsSync(NGINX) || !existsSync(MODULE)) return null;
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  writeFileSync(
    config,
    `load_module ${MODULE};
     worker_processes ${workers};
     daemon off;
     pid ${folder}/nginx.pid;
     error_log ${folder}/nginx-error.log;
     events { worker_connections 16000; }
     http {
       access_log off;
       client_body_temp_path ${folder}/body;
       proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
       nchan_message_buffer_length 100000;
       nchan_message_timeout 1h;
       nchan_shared_memory_size 512m;
       keepalive_requests 1000000;
       server {
         listen 127.0.0.1:${port} backlog=4096;
         location = /pub { nchan_publisher; nchan_channel_id bench; }
         location = /sub { nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest; }
       }
     }`,
  );
  const child = spawn(NGINX, ['-c', config, '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([serving(port), ended]);
  if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
  return {
    port,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function serving(port: number): Promise<void> {
  const tried = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket.destroy() !== null));
      socket.once('error', () => setImmediate(() => resolve(false)));
    });
  while (!(await tried()));
}
