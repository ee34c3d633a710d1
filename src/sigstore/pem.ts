// Certificates in PEM texts. RFC 7468.

/** The certificates of a text in order, each as its own PEM text. */
export function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
