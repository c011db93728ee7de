import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
/** Each measurement, s. */
const WRK_S = 4;
const DEMO = join(import.meta.dirname, '../../maps/gangnam-demo');
const NGINX_PORT = 18_099;

/** Tiles of the service against nginx from one folder, in turns; ways a second of one process on the demo map and on a small city. */
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
  cpSync(DEMO, join(root, 'gangnam-demo'), { recursive: true });
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
    const bar = { of: 'value', at: 'least', limit: 2000 } as const;
    const onDemo = await routesOf(serving, script, 'gangnam-demo', placesOfDemo());
    const onCity = await routesOf(serving, script, 'demo', placesOfCity(demo.city));
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
      { id: 'service.routes', value: onDemo.perSecond, unit: 'routes/s', bar },
      { id: 'service.routes.perCpuSecond', value: onDemo.perCpuSecond, unit: 'routes', bar },
      { id: 'service.routes.city', value: onCity.perSecond, unit: 'routes/s', bar },
      { id: 'service.routes.city.perCpuSecond', value: onCity.perCpuSecond, unit: 'routes', bar },
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
  const { stdout } = await exec('wrk', ['-t1', '-c8', `-d${WRK_S}s`, '-s', script, url]);
  if (/Non-2xx/.test(stdout)) throw new Error(`wrk: expected 2xx only, found ${stdout}`);
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)![1]);
}

interface Trip {
  readonly from: object;
  readonly to: object;
  readonly profile: string;
}

/**
 * Ways a second, and ways for each second of one core that the process took: on a machine that others use too, the
 * first says how busy they are.
 */
async function routesOf(
  { url, process: { pid } }: Awaited<ReturnType<typeof startService>>,
  script: string,
  mapId: string,
  trips: readonly Trip[],
): Promise<{ perSecond: number; perCpuSecond: number }> {
  const path = `/v1/maps/${mapId}/routes`;
  const headers = { 'content-type': 'application/json' };
  const bodies: string[] = [];
  for (const trip of trips) {
    const body = JSON.stringify(trip);
    if ((await fetch(url + path, { method: 'POST', headers, body })).ok) bodies.push(body);
  }
  note(`${mapId}: ${bodies.length} ways, in turns`);
  writeFileSync(
    script,
    `local b={${bodies.map((body) => `'${body}'`).join(',')}}\nlocal k=0\nrequest=function() k=k+1 return wrk.format("POST","${path}",{["content-type"]="application/json"},b[k%#b+1]) end\n`,
  );
  await wrk(url, script);
  const before = cpuSeconds(pid!);
  const perSecond = await wrk(url, script);
  return { perSecond, perCpuSecond: (perSecond * WRK_S) / (cpuSeconds(pid!) - before) };
}

/** Of a process with all its threads, in user and in kernel mode (proc(5): fields 14 and 15, ticks of 10 ms). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Between all nodes of the demo map. */
function placesOfDemo(): Trip[] {
  const { features } = JSON.parse(readFileSync(join(DEMO, 'graph.geojson'), 'utf8')) as {
    features: { geometry: { coordinates: [number, number] }; properties: { kind: string } }[];
  };
  const nodes = features
    .filter(({ properties }) => properties.kind === 'node')
    .map(({ geometry: { coordinates } }) => ({ lon: coordinates[0], lat: coordinates[1] }));
  return nodes.flatMap((from) =>
    nodes.flatMap((to) => (from === to ? [] : [{ from, to, profile: 'quadruped' }])),
  );
}

function placesOfCity(city: City): Trip[] {
  const place = (k: number) => {
    const [lon, lat] = city.corner(k).geometry.coordinates;
    return { lon, lat };
  };
  return Array.from({ length: 50 }, (_, k) => ({
    from: place(k),
    to: place(99 - ((k * 7) % 50)),
    profile: 'quadruped',
  }));
}
