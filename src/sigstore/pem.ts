// Texts with certificates in PEM. RFC 7468.

/** The certificates of a text in order, each as a PEM text of its own. */
export function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
