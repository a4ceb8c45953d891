/** The conditions of a delegation in French (acl/conditions.ts has them in English): where each holds, and what would change it. */
import type { NotInForce } from '../../../../acl/delegation-facts.ts';
import { unbrokenWords } from '../../../shared/french-blanks.ts';

const RETURNS = 'elle l’est de nouveau après le prochain « mandat directory import FILE » qui cite cette identité';

/** MAILBOX, DOMAIN and DELEGATE stand for the names of the pair. */
export const CONDITIONS_FR = unbrokenWords<
  Readonly<Record<NotInForce, { readonly kept: string; readonly remedy: string }>>
>({
  'all-withdrawn': {
    kept: 'les délégations de ce site sont appliquées',
    remedy: '« mandat withdraw --undo », qui les rétablit toutes',
  },
  'mailbox-kind': {
    kept: 'la boîte aux lettres est personnelle (PER)',
    remedy: 'rien pour ORG, APP et CAB ; « mandat mailbox set MAILBOX --kind PER » si le type est faux',
  },
  'mailbox-not-eligible': {
    kept: 'la boîte aux lettres est ouverte à la délégation',
    remedy: '« mandat mailbox set MAILBOX --eligible »',
  },
  'domain-not-eligible': {
    kept: 'le domaine est ouvert à la délégation',
    remedy: '« mandat domain set DOMAIN --eligible »',
  },
  'owner-not-listed': { kept: 'l’annuaire n’a rien contre le délégant', remedy: RETURNS },
  'unsafe-login': {
    kept: 'un serveur de messagerie lit chacun des deux identifiants de connexion comme une personne',
    remedy: '« mandat mailbox set MAILBOX --login LOGIN » ou « mandat delegate set DELEGATE --login LOGIN »',
  },
  self: {
    kept: 'délégant et délégataire sont deux personnes',
    remedy: '« mandat revoke MAILBOX DELEGATE » : le délégant a déjà accès à tout',
  },
  'other-server': {
    kept: 'le délégataire atteint le serveur de la boîte aux lettres',
    remedy:
      '« mandat mailbox set MAILBOX --server SERVER » la déplace ; ou [server] cluster, si ces serveurs partagent des dossiers',
  },
  suspended: { kept: 'cette délégation n’est pas suspendue', remedy: '« mandat resume MAILBOX DELEGATE »' },
  'over-limit': {
    kept: 'la boîte aux lettres n’a pas plus de délégataires que permis',
    remedy: 'supprimer une autre délégation ; le nombre permis est [policy] max_delegates',
  },
  'account-pending': {
    kept: 'le compte du délégataire n’attend pas d’activation',
    remedy: '« mandat account activate DELEGATE --email ADDRESS --accept-terms VERSION »',
  },
  'delegate-suspended': {
    kept: 'le compte du délégataire n’est pas suspendu',
    remedy: '« mandat delegate set DELEGATE --state active »',
  },
  'account-ended': {
    kept: 'le compte du délégataire n’est pas clos',
    remedy: 'rien : il est clos définitivement ; « mandat revoke MAILBOX DELEGATE » retire la délégation',
  },
  'terms-not-accepted': {
    kept: 'aucune condition d’utilisation n’attend d’être acceptée par le délégataire',
    remedy: '« mandat account accept-terms DELEGATE VERSION »',
  },
  'delegate-not-listed': { kept: 'l’annuaire n’a rien contre le délégataire', remedy: RETURNS },
  'credential-unknown': {
    kept: 'la fin de l’e-CPS du délégataire est connue, ou ne compte pas ici',
    remedy:
      '« mandat delegate credential DELEGATE --valid-until DATE », « mandat delegate sync FILE », ou [identity] unknown_credential = "valid"',
  },
  'credential-lapsed': {
    kept: 'l’e-CPS du délégataire est valide, pour ce qu’on en sait',
    remedy: '« mandat delegate credential DELEGATE --valid-until DATE », quand il en a une nouvelle',
  },
  ended: {
    kept: 'la date de fin n’est pas passée',
    remedy: '« mandat revoke MAILBOX DELEGATE », puis « mandat grant MAILBOX DELEGATE »',
  },
  'not-started': { kept: 'la délégation a commencé', remedy: 'attendre : elle commence d’elle-même' },
});
