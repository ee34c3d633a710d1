// Lists of hosts: exact, or `*.` before a domain for all below it. Matched on label boundaries,
// never by substring (T26, T49).

export function matchesHost(hosts: readonly string[], host: string): boolean {
  return hosts.some((item) => (item.startsWith('*.') ? isBelow(host, item.slice(1)) : item === host));
}

/** @param suffix with its dot: `.example.com` */
export const isBelow = (host: string, suffix: string) => host.endsWith(suffix) && host.length > suffix.length;

/** The registries of each cloud: its tokens go nowhere else. */
export const CLOUD_HOSTS = {
  google: ['gcr.io', '*.gcr.io', '*.pkg.dev'],
  azure: ['*.azurecr.io', '*.azurecr.cn', '*.azurecr.us'],
  amazon: ['*.amazonaws.com', '*.amazonaws.com.cn'],
} as const;
export type Cloud = keyof typeof CLOUD_HOSTS;
