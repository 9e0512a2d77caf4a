import { request } from 'node:http';

/** The status of an answer to a request with headers that fetch would not send. */
export const statusOf = (url: string, method: string, headers: Record<string, string>, body?: string) =>
  new Promise<number>((resolve, reject) => {
    const asked = request(url, { method, headers }, (response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject).end(body);
  });
