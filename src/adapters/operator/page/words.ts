const WORDS = {
  connecting: ['connecting', '연결 중'],
  open: ['connected', '연결됨'],
  down: ['line is down, again in', '연결 끊김, 재시도까지'],
  refused: ['not let in', '접속 거부'],
  stale: ['stale for', '갱신 없음'],
  robot: ['Robot', '로봇'],
  state: ['Localisation', '측위'],
  protection: ['Protection level', '보호 수준'],
  latency: ['Latency', '지연'],
  advice: ['Motion', '주행'],
  drive: ['drives', '주행'],
  slow: ['slow', '서행'],
  crossing: ['Crossings', '횡단보도'],
  building: ['Doors and lifts', '문·승강기'],
  health: ['Health', '상태'],
  events: ['Events', '이벤트'],
  spread: ['95 %', '95 %'],
  gnss: ['GNSS', 'GNSS'],
  scanMark: ['scan', '스캔'],
  trail: ['driven', '지나온 길'],
  scan: ['Scan to map', '스캔·지도 일치'],
  sigma: ['Uncertainty (1σ)', '불확실성 (1σ)'],
  waits: ['Waits for the robot’s first word', '로봇의 첫 상태를 기다리는 중'],
  route: ['Route', '경로'],
  fix: ['GNSS off by', 'GNSS 차이'],
  take: ['Take control', '제어권 획득'],
  release: ['Give back', '제어권 반납'],
  stop: ['Stop', '정지'],
  resume: ['Resume', '재개'],
  relocalise: ['Relocalise here', '여기서 재측위'],
  mark: ['Mark intervention', '개입 기록'],
  note: ['Note for the map team', '지도팀 메모'],
  drag: ['Click the place and drag for the heading; Esc ends', '위치를 누르고 방향으로 끄세요. Esc 취소'],
  follow: ['Follow', '추적'],
  top: ['From above', '위에서'],
  theme: ['Theme', '테마'],
  colour: ['Colour', '색상'],
  none: ['none near', '근처에 없음'],
  nobody: ['nobody has control', '제어권 없음'],
  you: ['you have control', '내가 제어 중'],
  has: ['has control', '제어 중'],
  viewer: ['view only', '보기 전용'],
  age: ['age', '경과'],
  left: ['left', '남음'],
  lost: ['Control lost', '제어권 상실'],
  missed: ['Some events are gone', '일부 이벤트 유실'],
  walk: ['walk', '보행'],
  clearance: ['clearance', '점멸'],
  dark: ['dark', '소등'],
  fault: ['fault', '고장'],
  unknown: ['unknown', '알 수 없음'],
  red: ['stop', '정지 신호'],
  APPROACHING: ['approaching', '접근 중'],
  WAITING: ['waits', '대기'],
  GO: ['go', '횡단 가능'],
  CLEARING: ['crossing', '횡단 중'],
  CLEARED: ['crossed', '통과함'],
  IDLE: ['not asked', '요청 전'],
  REQUESTED: ['asked', '요청함'],
  QUEUED: ['in the queue', '순서 대기'],
  GRANTED: ['granted', '허가됨'],
  OPEN_CONFIRMED: ['open', '열림'],
  PASSING: ['passing', '통과 중'],
  RELEASED: ['released', '반납함'],
  FAILED: ['failed', '실패'],
  TRACKING: ['tracking', '추적 중'],
  DEGRADED: ['degraded', '저하'],
  LOST: ['lost', '상실'],
  INITIALISING: ['initialising', '초기화 중'],
  UNINITIALISED: ['not started', '시작 전'],
} as const;
export type Word = keyof typeof WORDS;
let index: 0 | 1 = navigator.language.startsWith('ko') ? 1 : 0;

/** The word in the language that is chosen. */
export function word(key: Word): string {
  return WORDS[key][index];
}

export function isWord(text: string): text is Word {
  return Object.hasOwn(WORDS, text);
}

export function setLanguage(language: 'en' | 'ko'): void {
  index = language === 'ko' ? 1 : 0;
  document.documentElement.lang = language;
}

export function language(): 'en' | 'ko' {
  return index === 1 ? 'ko' : 'en';
}
