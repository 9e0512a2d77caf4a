import type { SentFile } from './answers.ts';

/** A file as the control API takes it. */
export async function sentFile(blob: Blob, name: string): Promise<SentFile> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return { base64: btoa(text), file_name: name, mime_type: blob.type };
}

/** Whether Telegram takes it as a photo. */
export const isPicture = ({ type }: Blob): boolean => /^image\/(png|jpeg|gif|webp)$/.test(type);

/** A picture for whoever has none at hand: hills under a sun, with the time on it. */
export async function samplePhoto(): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = 640;
  canvas.height = 420;
  const pen = canvas.getContext('2d');
  if (pen === null) throw new Error('This browser cannot draw');
  const sky = pen.createLinearGradient(0, 0, 0, 420);
  sky.addColorStop(0, '#8fd3f4');
  sky.addColorStop(1, '#fdf3d7');
  pen.fillStyle = sky;
  pen.fillRect(0, 0, 640, 420);
  pen.fillStyle = '#f6b73c';
  pen.beginPath();
  pen.arc(470, 120, 52, 0, 7);
  pen.fill();
  for (const [i, colour] of ['#7fb69a', '#3f8f77', '#0b6e63'].entries()) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.moveTo(0, 420);
    for (let x = 0; x <= 640; x += 8) pen.lineTo(x, 270 + i * 45 + Math.sin(x / (70 + i * 25) + i * 2) * (38 - i * 8));
    pen.lineTo(640, 420);
    pen.fill();
  }
  pen.fillStyle = '#ffffff';
  pen.font = '600 22px sans-serif';
  pen.fillText(new Date().toLocaleTimeString(), 24, 392);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) throw new Error('This browser cannot make a picture');
  return blob;
}
