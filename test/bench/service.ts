import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writeDemoMap } from '../map-service/demo-map.ts';
import type { City } from '../route/city.ts';
import { note } from './measure.ts';
import type { Row } from './row.ts';

const exec = promisify(execFile);
/** A tile of 28,000 points. */
const TILE_BYTES = 900_000;
const NGINX_PORT = 18_099;

/** Tiles of the service against nginx from one folder, in turns; ways a second of one process on a small city. */
export async function run(): Promise<Row[]> {
  for (const tool of ['wrk', 'nginx']) {
    const found = await exec('which', [tool]).then(
      () => true,
      () => false,
    );
    if (!found) {
      note(`skipped: needs ${tool} (apt-get install wrk nginx-light)`);
      return [];
    }
  }
  const root = mkdtempSync(join(tmpdir(), 'bench-service-'));
  const demo = writeDemoMap(root, 'demo', 1, TILE_BYTES);
  const nginx = startNginx(root);
  const serving = await startService(root);
  try {
    const script = join(root, 'tiles.lua');
    const path = (prefix: string) =>
      demo.hexes.map((hex) => `"${prefix}/demo/tiles/sha256/${hex}.pcd"`).join(',');
    const tiles = (prefix: string) =>
      `local p={${path(prefix)}}\nlocal k=0\nrequest=function() k=k+1 return wrk.format("GET",p[k%#p+1]) end\n`;
    const rounds: { ours: number; peer: number }[] = [];
    for (let round = 0; round < 4; round++) {
      writeFileSync(script, tiles('/v1/maps'));
      const ours = await wrk(serving.url, script);
      writeFileSync(script, tiles(''));
      rounds.push({ ours, peer: await wrk(`http://127.0.0.1:${NGINX_PORT}`, script) });
    }
    // The first round fills caches.
    const [ours, peer] = (['ours', 'peer'] as const).map(
      (who) =>
        rounds
          .slice(1)
          .map((round) => round[who])
          .sort((a, b) => a - b)[1]!,
    ) as [number, number];
    writeFileSync(script, routesScript(demo.city));
    await wrk(serving.url, script);
    const routes = await wrk(serving.url, script);
    return [
      {
        id: 'service.tiles',
        value: ours,
        unit: 'tiles/s',
        peer: 'nginx',
        peerValue: peer,
        ratio: ours / peer,
        bar: { of: 'ratio', at: 'least', limit: 0.8 },
      },
      {
        id: 'service.routes',
        value: routes,
        unit: 'routes/s',
        bar: { of: 'value', at: 'least', limit: 2000 },
      },
    ];
  } finally {
    serving.process.kill();
    nginx.kill();
    rmSync(root, { recursive: true });
  }
}

function startNginx(root: string) {
  const file = join(root, 'nginx.conf');
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${root}/nginx.pid; error_log stderr crit; events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${root}/b; proxy_temp_path ${root}/p; fastcgi_temp_path ${root}/f; uwsgi_temp_path ${root}/u; scgi_temp_path ${root}/s;
server { listen 127.0.0.1:${NGINX_PORT}; root ${root}; } }`,
  );
  return spawn('nginx', ['-c', file, '-p', root, '-g', `user ${process.env.USER ?? 'root'};`], {
    stdio: 'inherit',
  });
}

async function startService(root: string) {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'src/main.ts', 'map', 'serve', root, '--port', '0', '--per-minute', '0', '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()).address));
    child.once('exit', (code) => reject(new Error(`map serve ended with ${code}`)));
  });
  return { process: child, url };
}

async function wrk(url: string, script: string): Promise<number> {
  const { stdout } = await exec('wrk', ['-t1', '-c8', '-d4s', '-s', script, url]);
  if (/Non-2xx/.test(stdout)) throw new Error(`wrk: expected 2xx only, found ${stdout}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]);
}

function routesScript(city: City): string {
  const place = (k: number) => {
    const [lon, lat] = city.corner(k).geometry.coordinates;
    return { lon, lat };
  };
  const bodies = Array.from({ length: 50 }, (_, k) =>
    JSON.stringify({ from: place(k), to: place(99 - ((k * 7) % 50)), profile: 'quadruped' }),
  );
  return `local b={${bodies.map((body) => `'${body}'`).join(',')}}\nlocal k=0\nrequest=function() k=k+1 return wrk.format("POST","/v1/maps/demo/routes",{["content-type"]="application/json"},b[k%#b+1]) end\n`;
}
